/** @returns {string} the page's token against forged requests */
export function csrfToken() {
  return document.querySelector("meta[name='csrf-token']")?.getAttribute("content") ?? "";
}
