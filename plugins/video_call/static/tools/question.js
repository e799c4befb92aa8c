/**
 * A question in a dialog, answered by a tap that was meant: not by a key that was on its way to the chat, not by a finger
 * under which the words changed, and not by Escape.
 */
import { make, part } from "./host.js";

const READ_FIRST = 700;

/**
 * @param {import("./host.js").Tools} tools
 * @param {(yes: boolean) => unknown} answered
 */
export function question({ host, signal }, answered) {
  const dialog = /** @type {HTMLDialogElement} */ (make("question"));
  const [wording, wrong] = [part(dialog, "[data-ct-wording]", HTMLElement), part(dialog, "[data-ct-wrong]", HTMLElement)];
  const buttons = [...dialog.querySelectorAll("button")];
  let shown = "";
  let ready = 0;
  host.stage.ownerDocument.body.append(dialog);

  /** @param {boolean} can */
  function enable(can) {
    for (const button of buttons) button.disabled = !can;
  }

  function open() {
    enable(false);
    clearTimeout(ready);
    ready = window.setTimeout(() => enable(true), READ_FIRST);
    if (!dialog.open) dialog.showModal();
    wording.focus();
  }

  function close() {
    shown = "";
    if (dialog.open) dialog.close();
  }

  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => shown && open()); // a second Escape closes in spite of that
  for (const button of buttons) button.addEventListener("click", () => !button.disabled && void answered(button.value === "yes"));
  signal.addEventListener("abort", () => {
    close();
    dialog.remove();
  });

  return {
    close,
    enable,
    /** @param {string} key of the question @param {string} words */
    ask(key, words) {
      if (signal.aborted || key === shown) return;
      shown = key;
      wrong.hidden = true;
      wording.textContent = words;
      open();
      host.announce(words);
    },
    /** @param {string} words why it could not be said */
    fail(words) {
      wrong.textContent = words;
      wrong.hidden = false;
    },
    /** @param {string} kind */
    mark(kind) {
      dialog.dataset.kind = kind;
    },
  };
}
