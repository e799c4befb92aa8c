/** Keeps the notes as they are typed: a moment after the last key, and when the page goes away. */
import { csrfToken } from "careroom/session";
import { part, root } from "./page.js";
import { post } from "./steps.js";
import { say } from "./words.js";

const AFTER = 1_500;
const AGAIN_AFTER = 5_000;

const AT_LEAST_EVERY = 3_000;

/** @returns {() => Promise<void>} keeps at once what is not kept yet: before the page is left */
export function keepNotes() {
  const field = part("[data-notes]", HTMLTextAreaElement, root);
  const told = part("[data-notes-state]", HTMLElement, root);
  if (field.readOnly) return async () => {};
  const url = field.dataset.notes ?? "";
  let kept = field.value;
  let keeping = false;
  let typedSince = 0;
  /** @type {number | undefined} */
  let timer;

  /** A moment after the last key, but not later than some seconds after the first. @param {number} milliseconds */
  function soon(milliseconds) {
    clearTimeout(timer);
    typedSince ||= Date.now();
    timer = setTimeout(keep, Math.max(0, Math.min(milliseconds, typedSince + AT_LEAST_EVERY - Date.now())));
  }

  async function keep() {
    clearTimeout(timer);
    const text = field.value;
    if (keeping || text === kept) return;
    keeping = true;
    typedSince = 0;
    told.textContent = say("notes_saving");
    try {
      const response = await post(url, new URLSearchParams({ notes: text }));
      if (!response.ok) throw new Error(String(response.status));
      kept = text;
      told.textContent = say("notes_saved");
    } catch {
      told.textContent = say("notes_failed");
      timer = setTimeout(keep, AGAIN_AFTER);
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

  return async () => {
    const deadline = Date.now() + 2_000;
    while (field.value !== kept && Date.now() < deadline) {
      await keep();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
}
