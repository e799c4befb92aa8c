/** Where on the screen the content of a picture really is: it is fitted into its box, or fills it beyond its edges. */

/**
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 */

/**
 * @param {Box} box of the element
 * @param {number} width of the content
 * @param {number} height
 * @param {string} fit "contain" or "cover"
 * @returns {Box} of the content
 */
export function fitted(box, width, height, fit) {
  if (!width || !height || !box.width || !box.height) return box;
  const [wide, high] = [box.width / width, box.height / height];
  const scale = fit === "cover" ? Math.max(wide, high) : Math.min(wide, high);
  const [w, h] = [width * scale, height * scale];
  return { left: box.left + (box.width - w) / 2, top: box.top + (box.height - h) / 2, width: w, height: h };
}

/** @param {HTMLElement} element @returns {Box} where its content is, in the window */
export function contentOf(element) {
  const box = element.getBoundingClientRect();
  const fit = getComputedStyle(element).objectFit;
  if (element instanceof HTMLVideoElement) return fitted(box, element.videoWidth, element.videoHeight, fit);
  if (element instanceof HTMLImageElement) return fitted(box, element.naturalWidth, element.naturalHeight, fit);
  return box;
}

/**
 * @param {Box} box
 * @param {{clientX: number, clientY: number}} event
 * @returns {{x: number, y: number}} shares of the content; outside of 0 to 1 it is beside it
 */
export function shareOf(box, { clientX, clientY }) {
  return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
}
