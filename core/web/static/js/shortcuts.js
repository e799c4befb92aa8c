/**
 * Shortcuts of single keys: / ? c, and g followed by t, p, n or a. They never fire while somebody types, in a dialog, or
 * with a modifier, and can be switched off in the list that ? shows (kept in this browser). Ctrl+K is palette.js's.
 */
import { openDialog } from "careroom/dialog";

const KEY = "careroom.shortcuts";
const SECOND_KEY_WITHIN = 1_200;

const places = document.querySelector("template[data-shortcut-places]");
const box = document.querySelector("[data-shortcuts-switch]");
let began = 0;

if (box instanceof HTMLInputElement) {
  box.checked = areOn();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, "off");
  });
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (!areOn()) return;
  const second = Date.now() - began < SECOND_KEY_WITHIN;
  began = 0;
  const key = event.key;
  if (second) go({ t: "today", p: "patients", n: "notifications", a: "administration" }[key], event);
  else if (key === "g") began = Date.now();
  else if (key === "c") go("add", event);
  else if (key === "?" && openDialog("shortcuts")) event.preventDefault();
  else if (key === "/") toSearch(event);
});

function areOn() {
  return localStorage.getItem(KEY) !== "off";
}

/** @param {string | undefined} place @param {KeyboardEvent} event */
function go(place, event) {
  const url = place && places instanceof HTMLElement ? places.dataset[place] : undefined;
  if (!url) return;
  event.preventDefault();
  location.assign(url);
}

/** @param {KeyboardEvent} event */
function toSearch(event) {
  for (const id of ["patient-search", "search"]) {
    const found = document.getElementById(id);
    if (found instanceof HTMLInputElement && found.checkVisibility({ visibilityProperty: true })) {
      event.preventDefault();
      found.focus();
      found.select();
      return;
    }
  }
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select, [role=textbox], [role=combobox]"));
}
