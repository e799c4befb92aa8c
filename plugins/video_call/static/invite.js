/**
 * Typing a number for this invitation alone ticks "Send as SMS", and so does being on the telephone, where there is a
 * number. The preview follows by itself (careroom/preview).
 */
import "careroom/preview";

const form = document.querySelector("form[data-preview-url]");
const text = document.getElementById("channel-sms");
form?.addEventListener(
  "input",
  ({ target }) => {
    if (!(form instanceof HTMLFormElement && target instanceof HTMLInputElement && text instanceof HTMLInputElement)) return;
    const isTyped = Boolean(new FormData(form).get("mobile")?.toString().trim());
    const isNumber = target.name === "mobile" && isTyped;
    const isOnPhone = target.name === "phone_first" && target.checked && (isTyped || form.hasAttribute("data-texts"));
    if (isNumber || isOnPhone) text.checked = true;
  },
  { capture: true }, // before the preview is asked for
);
