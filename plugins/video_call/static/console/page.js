/** What every part of the console finds on the page: its root, its buttons, and what this browser prefers. */

const KEY = "careroom.video_call";

const found = document.querySelector("[data-console]");
if (!(found instanceof HTMLElement)) throw new Error("this page is no console");

export const root = found;
export const callId = root.dataset.call ?? "";
/** The patient's name, for sentences. */
export const name = root.dataset.name ?? "";

/**
 * @template {HTMLElement} T
 * @param {string} selector
 * @param {new () => T} type
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function part(selector, type, within = document) {
  const element = within.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`the page lacks ${selector}`);
  return element;
}

/** A button of the bar. @param {string} tool */
export function toolButton(tool) {
  return part(`[data-tool="${tool}"]`, HTMLButtonElement, root);
}

/** @param {string} tool @param {boolean} on */
export function press(tool, on) {
  toolButton(tool).setAttribute("aria-pressed", String(on));
}

/** @typedef {{camera?: string, microphone?: string, speaker?: string, height?: string, bandwidth?: string, photo?: string, captions?: boolean, background?: string, tile?: {x: number, y: number}, side?: boolean}} Preferences */

/** @returns {Preferences} what was chosen in this browser; nothing about any patient */
export function preferences() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {Preferences} change */
export function prefer(change) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...preferences(), ...change }));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
