/**
 * The command palette: Ctrl+K (or a button with data-palette-open) opens a combobox over pages, actions and patients.
 * Pages are those of the rail, actions those of the record that is open; both are filtered here. Patients come from the
 * server, by POST. The focus stays in the box; the list follows by aria-activedescendant.
 */

const DELAY = 160;
const MOST_PAGES = 6;

/** @typedef {{title: string, url: string, icon: Node | null, about: string}} Entry */

const dialog = document.querySelector("dialog[data-palette]");
const box = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
if (dialog instanceof HTMLDialogElement && box instanceof HTMLInputElement && list) start(dialog, box, list);

/**
 * @param {HTMLDialogElement} dialog
 * @param {HTMLInputElement} box
 * @param {HTMLElement} list
 */
function start(dialog, box, list) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {AbortController | undefined} */
  let running;
  let found = "";
  let at = -1;

  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-palette-open]")) open();
  });

  function open() {
    if (document.querySelector("dialog:modal")) return; // another question stands in front
    found = "";
    box.value = "";
    show();
    dialog.showModal();
    box.focus();
  }

  dialog.addEventListener("close", () => {
    clearTimeout(waiting);
    running?.abort();
  });

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    running?.abort();
    if (!box.value.trim()) found = "";
    show();
    if (dialog.dataset.paletteUrl && box.value.trim().length > 1) waiting = setTimeout(() => void ask(box.value), DELAY);
  });

  box.addEventListener("keydown", (event) => {
    const all = options();
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 5, PageUp: at - 5 };
    if (event.key in moves && all.length) {
      event.preventDefault();
      const wanted = moves[/** @type {keyof typeof moves} */ (event.key)];
      const one = event.key.startsWith("Arrow");
      choose(one ? (wanted + all.length) % all.length : Math.min(Math.max(wanted, 0), all.length - 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const url = all[at]?.dataset.url;
      if (url) go(url);
    }
  });

  list.addEventListener("click", (event) => {
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (option instanceof HTMLElement && option.dataset.url) go(option.dataset.url);
  });
  list.addEventListener("pointermove", (event) => {
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (option instanceof HTMLElement) choose(options().indexOf(option), false);
  });

  /** @param {string} url */
  function go(url) {
    dialog.close();
    location.assign(url);
  }

  /** @param {string} query */
  async function ask(query) {
    const mine = (running = new AbortController());
    const token = document.querySelector("meta[name='csrf-token']")?.getAttribute("content") ?? "";
    try {
      const answer = await fetch(dialog.dataset.paletteUrl ?? "", {
        method: "POST",
        body: new URLSearchParams({ q: query }),
        headers: { "X-CSRFToken": token, "X-Panel": "1" },
        redirect: "manual",
        signal: mine.signal,
      });
      found = answer.ok ? await answer.text() : "";
    } catch {
      if (mine.signal.aborted) return;
      found = "";
    }
    if (!mine.signal.aborted) show();
  }

  function show() {
    const kept = options()[at]?.dataset.url;
    list.innerHTML = box.value.trim() ? found : "";
    const wanted = words(box.value);
    const fitting = entries().filter((entry) => wanted.every((word) => fold(entry.title).includes(word)));
    for (const [number, entry] of fitting.slice(0, box.value.trim() ? MOST_PAGES : 40).entries()) list.append(made(entry, number));
    const all = options();
    const again = all.findIndex((option) => option.dataset.url === kept);
    choose(again >= 0 && box.value.trim() ? again : all.length ? 0 : -1);
    dialog.querySelector("[data-palette-none]")?.toggleAttribute("hidden", all.length > 0);
    const status = dialog.querySelector("[data-palette-status]");
    if (status instanceof HTMLElement && box.value.trim()) {
      status.textContent = all.length === 1 ? (status.dataset.one ?? "") : (status.dataset.many ?? "").replace("{num}", String(all.length));
    }
  }

  /** @returns {HTMLElement[]} */
  function options() {
    return [...list.querySelectorAll("[role=option]")].filter((option) => option instanceof HTMLElement);
  }

  /** @param {number} next @param {boolean} [scroll] */
  function choose(next, scroll = true) {
    at = next;
    for (const [number, option] of options().entries()) {
      option.setAttribute("aria-selected", String(number === at));
      if (number === at && scroll) option.scrollIntoView({ block: "nearest" });
    }
    const chosen = options()[at];
    if (chosen) box.setAttribute("aria-activedescendant", chosen.id);
    else box.removeAttribute("aria-activedescendant");
  }
}

/** The record's actions first, then the pages of the rail, then what else can be done. @returns {Entry[]} */
function entries() {
  const who = document.querySelector(".identity-name")?.textContent?.trim() ?? "";
  const commands = document.querySelector("template[data-palette-commands]");
  const places = [
    ...[...document.querySelectorAll(".identity-actions a[data-action]")].map((link) => entry(link, who)),
    ...[...document.querySelectorAll(".rail a.rail-item")].map((link) => entry(link, "")),
    ...(commands instanceof HTMLTemplateElement ? [...commands.content.querySelectorAll("a")].map((link) => entry(link, "")) : []),
  ];
  return places.filter((one, number) => places.findIndex((other) => other.url === one.url && other.about === one.about) === number);
}

/** @param {Element} link @param {string} about @returns {Entry} */
function entry(link, about) {
  const title = link.querySelector(":scope > span:not(.count)")?.textContent?.trim() ?? "";
  return { title, url: link.getAttribute("href") ?? "", icon: link.querySelector("svg")?.cloneNode(true) ?? null, about };
}

/** @param {Entry} entry @param {number} number @returns {HTMLElement} */
function made(entry, number) {
  const option = document.createElement("li");
  option.className = "palette-option";
  option.setAttribute("role", "option");
  option.id = `palette-page-${number}`;
  option.dataset.url = entry.url;
  const text = Object.assign(document.createElement("span"), { className: "palette-text" });
  text.append(Object.assign(document.createElement("span"), { className: "palette-title", textContent: entry.title }));
  if (entry.about) text.append(Object.assign(document.createElement("span"), { className: "faint", textContent: entry.about }));
  if (entry.icon) option.append(entry.icon);
  option.append(text);
  return option;
}

/** Lower case and without accents. @param {string} text */
function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** @param {string} text */
function words(text) {
  return fold(text).split(/\s+/).filter(Boolean);
}

export {};
