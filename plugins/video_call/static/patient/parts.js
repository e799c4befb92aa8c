/** The page's parts and words. */
import { word } from "careroom/words";

/**
 * The element that a selector names. Raises when the page has none: then page and script do not belong together.
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function one(selector, kind, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`no ${selector}`);
  return found;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const place = (id) => one(`#${id}`, HTMLElement);

/**
 * Does something when an element is pressed.
 * @param {string} id
 * @param {() => unknown} act
 */
export function press(id, act) {
  document.getElementById(id)?.addEventListener("click", () => void act());
}

/**
 * The page's words for a key, with its places filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  return word(key).replace(/\{(\w+)\}/g, (_place, name) => String(values[name] ?? ""));
}

/**
 * Shows words, or hides the place when there are none.
 * @param {HTMLElement} element
 * @param {string} words
 */
export function tell(element, words) {
  element.hidden = !words;
  if (element.textContent !== words) element.textContent = words;
}

const HEARD_AFTER = 8_000;

/**
 * Says something to those who cannot see the page. What was said just before stays for a moment, so that it is read, too.
 * @param {string} words
 */
export function announce(words) {
  const line = document.createElement("p");
  line.textContent = words;
  place("status").append(line);
  setTimeout(() => line.remove(), HEARD_AFTER);
}
