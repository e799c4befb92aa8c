/**
 * The editor of a message template: a press on a variable puts it where one was writing, and the preview follows the
 * typing. Without this script the form has a button that does the same.
 */

const DELAY = 250;

const editor = document.querySelector("[data-message-editor]");
const form = editor?.querySelector("form");
const preview = editor?.querySelector("[data-preview]");
if (editor instanceof HTMLElement && form instanceof HTMLFormElement && preview) start(editor, form, preview);

/**
 * @param {HTMLElement} editor
 * @param {HTMLFormElement} form
 * @param {Element} preview
 */
function start(editor, form, preview) {
  const url = editor.dataset.previewUrl ?? "";
  const boxes = /** @type {(HTMLInputElement | HTMLTextAreaElement)[]} */ ([...form.querySelectorAll("textarea, input[name=subject]")]);
  let last = boxes.at(-1);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {AbortController | undefined} */
  let running;

  editor.setAttribute("data-live", "");
  for (const box of boxes) box.addEventListener("focus", () => (last = box));

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void look(), DELAY);
  });

  form.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-insert]") : null;
    if (!(button instanceof HTMLElement) || !last) return;
    const start = last.selectionStart ?? last.value.length;
    last.setRangeText(button.dataset.insert ?? "", start, last.selectionEnd ?? start, "end");
    last.focus();
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });

  async function look() {
    running?.abort();
    const mine = (running = new AbortController());
    try {
      const answer = await fetch(url, { method: "POST", body: new FormData(form), signal: mine.signal });
      if (answer.ok) preview.innerHTML = await answer.text();
    } catch {
      // No network, or a newer look: the preview stays, and the button of the form still works on saving.
    }
  }
}

export {};

export {};
