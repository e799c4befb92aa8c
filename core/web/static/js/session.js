/** What a script needs to speak for the person who is signed in. */

/** @returns {string} the token that proves that a request comes from this page */
function csrfToken() {
  const meta = document.querySelector("meta[name='csrf-token']");
  return meta instanceof HTMLMetaElement ? meta.content : "";
}

export { csrfToken };
