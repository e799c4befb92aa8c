/**
 * Light, dark or as the device, without a reload. The server writes the choice into <html data-theme> from a cookie, so
 * that no page flashes; this changes the attribute at once and lets the server set the cookie.
 */

const THEMES = ["light", "dark", "system"];

/** @param {string} theme */
function show(theme) {
  const root = document.documentElement;
  root.dataset.theme = theme;
  if (theme === "system") root.removeAttribute("data-bs-theme");
  else root.setAttribute("data-bs-theme", theme);
  const scheme = document.querySelector("meta[name='color-scheme']");
  scheme?.setAttribute("content", theme === "system" ? "light dark" : theme);
  for (const button of document.querySelectorAll("[data-theme-form] button[name='theme']")) {
    if (button instanceof HTMLButtonElement) button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-theme-form")) return;
  if (!(button instanceof HTMLButtonElement) || button.name !== "theme" || !THEMES.includes(button.value)) return;
  event.preventDefault();
  show(button.value);
  const body = new FormData(form, button);
  fetch(form.action, { method: "POST", body, redirect: "manual", credentials: "same-origin" }).catch(() => {
    // The page looks as asked; the choice is made again on the next page.
  });
});

export { show };
