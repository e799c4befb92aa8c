/**
 * Short notes at the edge of the page, said to screen readers by the page's [data-toasts] region.
 *
 *   toast({ text });                                        goes by itself
 *   toast({ text, action: { label, run } });                stays until it is used or closed
 *   toastFrom("rejected", { run });                         from <template data-toast="rejected">
 *
 * In a template, [data-toast-action] is the button that runs the action. Words come from the page, never from here.
 */
import { word } from "careroom/words";

const SECONDS = 7;
const MOST = 3;

/**
 * @param {{text: string, action?: {label: string, run: () => void}}} said
 * @returns {() => void} closes it
 */
export function toast({ text, action }) {
  const content = new DocumentFragment();
  content.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (action) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button button-sm", textContent: action.label });
    button.dataset.toastAction = "";
    content.append(button);
  }
  return show(content, action?.run);
}

/**
 * @param {string} name of a <template data-toast>
 * @param {{run?: () => void}} [options]
 * @returns {() => void} closes it
 */
export function toastFrom(name, { run } = {}) {
  const template = document.querySelector(`template[data-toast="${CSS.escape(name)}"]`);
  if (!(template instanceof HTMLTemplateElement)) return () => {};
  return show(/** @type {DocumentFragment} */ (template.content.cloneNode(true)), run);
}

/**
 * @param {DocumentFragment} content
 * @param {(() => void) | undefined} run
 */
function show(content, run) {
  const place = document.querySelector("[data-toasts]");
  if (!place) return () => {};
  const note = document.createElement("div");
  note.className = "toast-note";
  note.append(content);
  const close = () => remove(note);
  for (const button of note.querySelectorAll("[data-toast-action]")) {
    button.addEventListener("click", () => {
      close();
      run?.();
    });
  }
  if (word("close")) note.append(closeButton(close));
  note.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  while (place.children.length >= MOST) place.firstElementChild?.remove();
  place.append(note);
  if (!note.querySelector("button[data-toast-action], a")) leaveAlone(note, close);
  return close;
}

/** Goes after a while in which nobody points at it or is in it. @param {HTMLElement} note @param {() => void} close */
function leaveAlone(note, close) {
  /** @type {number | undefined} */
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, SECONDS * 1000);
  };
  for (const name of ["pointerenter", "focusin"]) note.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) note.addEventListener(name, wait);
  wait();
}

/** @param {HTMLElement} note */
function remove(note) {
  // A focus inside would fall back to the top of the page.
  if (note.contains(document.activeElement)) document.getElementById("content")?.focus({ preventScroll: true });
  note.remove();
}

/** @param {() => void} close */
function closeButton(close) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "toast-close";
  button.setAttribute("aria-label", word("close"));
  button.textContent = "\u00d7";
  button.addEventListener("click", close);
  return button;
}
