/** The words that scripts show, in the page's language: the page carries them in <script type="application/json" id="words">. */

/** @type {Record<string, string> | undefined} */
let known;

/**
 * @param {string} key
 * @returns {string} the words for the key; empty when the page has none
 */
export function word(key) {
  if (!known) {
    const island = document.getElementById("words");
    /** @type {Record<string, string>} */
    const read = island ? JSON.parse(island.textContent ?? "{}") : {};
    known = read;
  }
  return known[key] ?? "";
}
