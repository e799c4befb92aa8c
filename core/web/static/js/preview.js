/**
 * The preview of a message follows its form: it is always what would be sent now.
 *
 *   <form data-preview-url="…">   the server's answer to the form as it stands, a fragment, takes the place of what is in
 *   <div id="preview">            this
 */
const WAIT = 250;
const form = document.querySelector("form[data-preview-url]");
const place = document.getElementById("preview");
let asked = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

async function refresh() {
  if (!(form instanceof HTMLFormElement) || !place) return;
  const mine = (asked += 1);
  place.setAttribute("aria-busy", "true");
  const sent = { method: "POST", body: new FormData(form), headers: { "X-Panel": "1" } };
  const answer = await fetch(form.dataset.previewUrl ?? "", sent).catch(() => null);
  if (mine !== asked) return; // a later one is on its way
  if (answer?.ok) {
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (mine !== asked) return;
    place.replaceChildren(...parsed.childNodes);
  }
  place.setAttribute("aria-busy", "false");
}

form?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), WAIT);
});

export {};
