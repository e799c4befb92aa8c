/** Keeps the notes as they are typed: a moment after the last key, and when the page goes away. */
import { csrfToken } from "careroom/session";
import { part, root } from "./page.js";
import { post } from "./steps.js";
import { say } from "./words.js";

const AFTER = 1_500;
const AGAIN_AFTER = 5_000;

export function keepNotes() {
  const field = part("[data-notes]", HTMLTextAreaElement, root);
  const told = part("[data-notes-state]", HTMLElement, root);
  if (field.readOnly) return;
  const url = field.dataset.notes ?? "";
  let kept = field.value;
  let keeping = false;
  /** @type {number | undefined} */
  let timer;

  /** @param {number} milliseconds */
  function soon(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(keep, milliseconds);
  }

  async function keep() {
    clearTimeout(timer);
    const text = field.value;
    if (keeping || text === kept) return;
    keeping = true;
    told.textContent = say("notes_saving");
    try {
      const response = await post(url, new URLSearchParams({ notes: text }));
      if (!response.ok) throw new Error(String(response.status));
      kept = text;
      told.textContent = say("notes_saved");
    } catch {
      told.textContent = say("notes_failed");
      soon(AGAIN_AFTER);
    } finally {
      keeping = false;
      if (field.value !== text) soon(AFTER);
    }
  }

  field.addEventListener("input", () => soon(AFTER));
  field.addEventListener("blur", () => void keep());
  addEventListener("pagehide", () => {
    if (field.value === kept) return;
    // The page is gone before an answer could come: the browser sends this by itself.
    const body = new URLSearchParams({ notes: field.value });
    void fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" }, keepalive: true });
  });
}
