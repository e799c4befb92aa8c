/**
 * After a call: a tick lets the patient fetch a document, or no longer. It is sent at once and the page stays, so that
 * notes that are being written beside it stay, too. Without this script each tick has a button that saves it.
 */
import { csrfToken } from "careroom/session";
import { toast } from "careroom/toast";

const list = document.querySelector("[data-share-words]");
if (!(list instanceof HTMLElement)) throw new Error("the page lacks its list of documents");
/** @type {Record<string, string>} */
const words = JSON.parse(list.dataset.shareWords ?? "{}");

list.addEventListener("change", (event) => {
  const tick = event.target;
  if (tick instanceof HTMLInputElement && tick.form?.hasAttribute("data-share")) void share(tick, tick.form);
});
list.addEventListener("careroom:panel", tidy);
tidy();

/** @param {HTMLInputElement} tick @param {HTMLFormElement} form */
async function share(tick, form) {
  const shared = tick.checked;
  const body = new FormData(form);
  tick.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    tick.defaultChecked = shared; // saved: the list may be exchanged for a newer one
    toast({ text: words[shared ? "shared" : "unshared"] ?? "" });
  } catch {
    tick.checked = !shared;
    toast({ text: words.failed ?? "" });
  } finally {
    tick.disabled = false;
    tick.focus();
  }
}

/** The buttons are for pages without this script. */
function tidy() {
  for (const button of list?.querySelectorAll("[data-share-save]") ?? []) button.toggleAttribute("hidden", true);
}
