/**
 * Menus are <details data-menu>: they open without scripts. This closes them the way people expect (Escape, a click
 * elsewhere, focus that moves on), opens only one at a time, keeps them inside the window, and gives arrow keys.
 * Also here: the rail on a phone.
 */

/** @returns {HTMLDetailsElement[]} */
function openMenus() {
  return [...document.querySelectorAll("details[data-menu][open]")].filter((menu) => menu instanceof HTMLDetailsElement);
}

/**
 * @param {HTMLDetailsElement} menu
 * @param {boolean} returnFocus
 */
function close(menu, returnFocus = false) {
  menu.open = false;
  if (returnFocus) menu.querySelector("summary")?.focus();
}

/** Moves a panel that would leave the window back into it. @param {HTMLDetailsElement} menu */
function keepInside(menu) {
  const panel = menu.querySelector(".menu-panel");
  if (!(panel instanceof HTMLElement)) return;
  panel.style.translate = "";
  const box = panel.getBoundingClientRect();
  const margin = 8;
  const over = box.right - (document.documentElement.clientWidth - margin);
  const under = margin - box.left;
  if (under > 0) panel.style.translate = `${under}px 0`;
  else if (over > 0) panel.style.translate = `${-over}px 0`;
}

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLDetailsElement) || !menu.hasAttribute("data-menu") || !menu.open) return;
    for (const other of openMenus()) if (other !== menu && !other.contains(menu)) close(other);
    keepInside(menu);
    // What it shows names patients: that somebody has read it belongs on the trail.
    if (menu.dataset.seenUrl) void fetch(menu.dataset.seenUrl, { headers: { "X-Panel": "1" }, cache: "no-store" }).catch(() => {});
  },
  true,
);

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (event.target instanceof Node && !menu.contains(event.target)) close(menu);
  }
});

document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) {
    if (event.target instanceof Node && !menu.contains(event.target)) close(menu);
  }
  const rail = document.querySelector(".rail:popover-open");
  if (rail instanceof HTMLElement && event.target instanceof Node && !rail.contains(event.target)) {
    const opener = event.target instanceof Element && event.target.closest("[popovertarget='rail']");
    if (!opener) rail.hidePopover();
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target instanceof Element ? event.target.closest("details[data-menu][open]") : null;
  if (event.key === "Escape") {
    for (const open of openMenus()) close(open, open === menu);
    return;
  }
  if (menu && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const items = [...menu.querySelectorAll("summary, a[href], button:not(:disabled)")];
    const at = document.activeElement ? items.indexOf(document.activeElement) : -1;
    const next = items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length];
    if (next instanceof HTMLElement) next.focus();
    event.preventDefault();
    return;
  }
});

export { close, openMenus };
