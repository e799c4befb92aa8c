/** Single keys in the call, where there is a keyboard. They are listed under "More", and are switched off there, too. */
import { one, place } from "./parts.js";

const KEPT = "careroom.shortcuts"; // one switch for all single keys of this browser
/** @type {Record<string, string>} */
const BUTTONS = { m: "#mute", v: "#hide", c: '[data-ct-tool="chat"]', f: "#full-screen" };

export function startKeys() {
  const uses = one("[data-keys] input", HTMLInputElement);
  uses.checked = kept() !== "off";
  uses.addEventListener("change", () => keep(uses.checked ? "on" : "off"));
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (place("call").hidden || !uses.checked || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const selector = !event.shiftKey ? BUTTONS[key] : key === "e" ? ".vc-control.end" : undefined; // the end asks once more
    const button = selector && document.querySelector(selector);
    if (!(button instanceof HTMLButtonElement) || button.disabled || button.hidden) return;
    button.click();
    event.preventDefault();
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && Boolean(target.closest("input, textarea, select, [contenteditable]"));
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string} value */
function keep(value) {
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    // Private windows may refuse: then it holds for this page.
  }
}
