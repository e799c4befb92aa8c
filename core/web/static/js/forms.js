/**
 * What every form gets: one submission at a time, the focus on what is wrong, and a warning before changes are lost
 * (data-keep on the form). All of it is a comfort: forms work without scripts.
 */

/** @type {WeakSet<HTMLFormElement>} */
const changed = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  if (form.hasAttribute("data-busy")) {
    event.preventDefault();
    return;
  }
  if (form.method !== "post") return;
  changed.delete(form);
  const button = event.submitter;
  if (button?.hasAttribute("data-download")) return; // the page stays
  // After this turn, or the button's own name and value would not be sent.
  setTimeout(() => {
    form.setAttribute("data-busy", "");
    button?.setAttribute("data-busy", "");
    button?.setAttribute("aria-disabled", "true");
  });
});

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement)) return;
  if (field.form?.hasAttribute("data-keep")) changed.add(field.form);
});

addEventListener("beforeunload", (event) => {
  if ([...document.forms].some((form) => changed.has(form))) event.preventDefault();
});

// A page that comes back from the browser's cache must not stay busy.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const busy of document.querySelectorAll("[data-busy]")) {
    busy.removeAttribute("data-busy");
    busy.removeAttribute("aria-disabled");
  }
});

const summary = document.querySelector("[data-error-summary]");
if (summary instanceof HTMLElement) summary.focus();
else {
  const wrong = document.querySelector("main [aria-invalid='true']:not(fieldset)");
  if (wrong instanceof HTMLElement) wrong.focus();
}
