/**
 * A form with data-live-preview="<url>" is sent there with every change, and what comes back is put into the element
 * with data-live-result. Nothing is stored by it. Without this script the form has a button that does the same.
 */

const DELAY = 250;

for (const form of document.querySelectorAll("form[data-live-preview]")) {
  const result = form.querySelector("[data-live-result]");
  if (form instanceof HTMLFormElement && result) start(form, result);
}

/**
 * @param {HTMLFormElement} form
 * @param {Element} result
 */
function start(form, result) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {AbortController | undefined} */
  let running;
  form.setAttribute("data-live", "");
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void look(), DELAY);
  });

  async function look() {
    running?.abort();
    const mine = (running = new AbortController());
    try {
      const answer = await fetch(form.dataset.livePreview ?? "", { method: "POST", body: new FormData(form), signal: mine.signal });
      if (answer.ok) result.innerHTML = await answer.text();
    } catch {
      // No network, or a newer look: what is shown stays.
    }
  }
}

export {};

export {};
