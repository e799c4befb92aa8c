/** Typing a number for this invitation alone ticks "Send as SMS". The preview follows by itself (careroom/preview). */
import "careroom/preview";

const text = document.getElementById("channel-sms");
document.querySelector("form[data-preview-url]")?.addEventListener(
  "input",
  ({ target }) => {
    const isNumber = target instanceof HTMLInputElement && target.name === "mobile" && target.value.trim();
    if (isNumber && text instanceof HTMLInputElement) text.checked = true;
  },
  { capture: true }, // before the preview is asked for
);
