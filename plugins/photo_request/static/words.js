/** The words of this page, from its island: no language lives in the code. */

/** @type {Record<string, string>} */
const words = JSON.parse(document.getElementById("photo-words")?.textContent ?? "{}");

/**
 * A sentence with its places filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_place, name) => String(values[name] ?? ""));
}

const format = new Intl.NumberFormat(words["language"] || undefined, { maximumFractionDigits: 1 });

/**
 * Bytes in megabytes, as the reader writes numbers.
 * @param {number} bytes
 */
export function megabytes(bytes) {
  return format.format(Math.round((bytes / 1024 / 1024) * 10) / 10);
}
