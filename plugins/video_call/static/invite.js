/** The preview follows the form: it is always what would be sent now. Typing a number ticks "Send as SMS". */

const form = document.querySelector("[data-invite]");
const preview = document.getElementById("preview");
let asked = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

async function refresh() {
  if (!(form instanceof HTMLFormElement) || !preview) return;
  const mine = (asked += 1);
  preview.setAttribute("aria-busy", "true");
  const answer = await fetch(form.dataset.previewUrl ?? "", { method: "POST", body: new FormData(form), headers: { "X-Panel": "1" } }).catch(() => null);
  if (mine !== asked) return; // a later one is on its way
  if (answer?.ok) {
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    preview.replaceChildren(...parsed.childNodes);
  }
  preview.setAttribute("aria-busy", "false");
}

form?.addEventListener("input", (event) => {
  const text = document.getElementById("channel-sms");
  if (event.target instanceof HTMLInputElement && event.target.name === "mobile" && text instanceof HTMLInputElement && event.target.value.trim()) text.checked = true;
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), 250);
});

export {};
