/** The words of the console, from the page's island: no language lives in the code. */

/** @type {Record<string, string>} */
const words = JSON.parse(document.getElementById("console-words")?.textContent ?? "{}");

/**
 * A sentence with its places filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_place, name) => String(values[name] ?? ""));
}

/** Tells screen readers, and nobody else. @param {string} text */
export function announce(text) {
  const place = document.querySelector("[data-say]");
  if (!place) return;
  place.textContent = "";
  // The same words twice are said twice only when the region was empty in between.
  setTimeout(() => {
    place.textContent = text;
  }, 50);
}
