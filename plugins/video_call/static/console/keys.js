/** Shortcuts of single keys in the call. They are in the list that ? shows, and are switched off there, too. */
import { root } from "./page.js";

const SWITCH = "careroom.shortcuts"; // of careroom/shortcuts: one switch for all single keys

/** @type {Record<string, string>} */
const TOOLS = { m: "microphone", v: "camera", s: "share", p: "pip", f: "full", d: "settings" };

export function shortcuts() {
  const here = document.querySelector("template[data-shortcuts-here]");
  const list = document.querySelector("#shortcuts .dialog-body");
  if (here instanceof HTMLTemplateElement && list) list.prepend(here.content.cloneNode(true));
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem(SWITCH) === "off") return;
    if (act(event)) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event @returns {boolean} was it one of ours? */
function act(event) {
  if (event.shiftKey) return event.key.toLowerCase() === "e" && click('[data-tool="end"]');
  const tool = TOOLS[event.key.toLowerCase()];
  if (tool) return click(`[data-tool="${tool}"]`);
  if (event.key === "a") return click('form[data-step="admit"] button[type=submit]');
  if (event.key !== "n") return false;
  const notes = root.querySelector("[data-notes]");
  if (root.hasAttribute("data-side-closed")) click("[data-side-toggle]");
  if (notes instanceof HTMLElement) notes.focus();
  return true;
}

/** @param {string} selector */
function click(selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLButtonElement) || !found.checkVisibility() || found.disabled) return false;
  found.click();
  return true;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && Boolean(target.closest("input, textarea, select, [contenteditable], [role=textbox], [role=combobox]"));
}
