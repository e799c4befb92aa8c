/**
 * Panels keep themselves fresh: <section data-panel="name" data-panel-url="..." data-topics="topic topic"> is fetched
 * again when one of its topics is told. Panels with data-panels-url="..." are fetched together: what several of them
 * heard within a moment is one request, ?names=a,b. What the person is doing inside stays: focus, open parts, scroll,
 * half-typed fields. While they type nothing is exchanged under their hands; a button offers the new state instead.
 *
 * data-panel-waiting: shows a skeleton; fetched as soon as the page stands. data-panel-failed: could not be fetched;
 * tried again when the line is back. [data-panel-retry] inside tries again, too. data-announce="words" says the change to screen
 * readers. After an exchange the panel dispatches "careroom:panel".
 */
import { capture, isBusy, onceReleased } from "careroom/panel_state";
import { word } from "careroom/words";

const GATHER = 150; // several events of one transaction make one request
const AT_ONCE = 50; // as many names as the server takes

/** @typedef {{html: string, state: string}} Part */

/** @type {WeakMap<HTMLElement, {loading: boolean, again: boolean, html?: string}>} */
const works = new WeakMap();
/** @type {Set<HTMLElement>} */
const due = new Set();
/** @type {number | undefined} */
let timer;

/** Begins to listen, once. */
export function start() {
  if (start.done) return;
  start.done = true;
  document.addEventListener("careroom:event", (event) => {
    const { topic } = /** @type {CustomEvent<{topic: string}>} */ (event).detail;
    for (const panel of panels()) if (topics(panel).includes(topic)) reload(panel);
  });
  for (const name of ["careroom:reset", "careroom:unlocked"]) {
    document.addEventListener(name, () => {
      for (const panel of panels()) reload(panel);
    });
  }
  document.addEventListener("careroom:connection", (event) => {
    if (/** @type {CustomEvent<{state: string}>} */ (event).detail.state !== "connected") return;
    for (const panel of panels()) if (panel.hasAttribute("data-panel-failed")) reload(panel);
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-panel-retry]") : null;
    const panel = button?.closest("[data-panel]");
    if (!(panel instanceof HTMLElement)) return;
    if (isFetched(panel)) reload(panel, 0);
    else location.reload();
  });
  const waiting = panels().filter((panel) => panel.hasAttribute("data-panel-waiting"));
  for (const panel of waiting) reload(panel, 0);
}
start.done = false;

/**
 * Fetches a panel soon; calls that come close together are one.
 * @param {HTMLElement} panel
 * @param {number} [milliseconds] how long to gather
 */
export function reload(panel, milliseconds = GATHER) {
  const work = workOf(panel);
  if (work.loading) {
    work.again = true;
    return;
  }
  due.add(panel);
  timer ??= setTimeout(loadDue, milliseconds);
}

/** @returns {HTMLElement[]} */
function panels() {
  return [...document.querySelectorAll("[data-panel]")].filter((panel) => panel instanceof HTMLElement && isFetched(panel)).map((panel) => /** @type {HTMLElement} */ (panel));
}

/** @param {HTMLElement} panel */
function isFetched(panel) {
  return Boolean(panel.dataset.panelUrl || panel.dataset.panelsUrl);
}

/** @param {HTMLElement} panel */
function topics(panel) {
  return (panel.dataset.topics ?? "").split(/\s+/);
}

/** @param {HTMLElement} panel */
function workOf(panel) {
  let work = works.get(panel);
  if (!work) {
    work = { loading: false, again: false };
    works.set(panel, work);
  }
  return work;
}

function loadDue() {
  timer = undefined;
  /** @type {Map<string, HTMLElement[]>} */
  const together = new Map();
  for (const panel of due) {
    if (!panel.isConnected) continue;
    const url = panel.dataset.panelsUrl;
    if (!url) void load([panel], () => alone(panel));
    else together.set(url, [...(together.get(url) ?? []), panel]);
  }
  due.clear();
  for (const [url, group] of together) {
    for (let from = 0; from < group.length; from += AT_ONCE) {
      const some = group.slice(from, from + AT_ONCE);
      void load(some, () => several(url, some));
    }
  }
}

/**
 * @param {HTMLElement[]} group
 * @param {() => Promise<void>} fetching
 */
async function load(group, fetching) {
  for (const panel of group) {
    Object.assign(workOf(panel), { loading: true, again: false });
    panel.setAttribute("aria-busy", "true");
  }
  try {
    await fetching();
  } catch {
    for (const panel of group) fail(panel);
  } finally {
    for (const panel of group) {
      panel.removeAttribute("aria-busy");
      const work = workOf(panel);
      work.loading = false;
      if (work.again) reload(panel);
    }
  }
}

/** @param {HTMLElement} panel */
async function alone(panel) {
  const response = await ask(panel.dataset.panelUrl ?? "", "text/html");
  if (response.status === 404) gone(panel);
  else if (!response.ok) fail(panel);
  else arrived(panel, { html: await response.text(), state: "shown" });
}

/**
 * @param {string} url
 * @param {HTMLElement[]} group
 */
async function several(url, group) {
  const names = group.map((panel) => panel.dataset.panel ?? "").join(",");
  const response = await ask(`${url}?names=${encodeURIComponent(names)}`, "application/json");
  if (response.status === 404) {
    for (const panel of group) gone(panel);
    return;
  }
  if (!response.ok) throw new Error(String(response.status));
  /** @type {{panels: Record<string, Part | null>}} */
  const answer = await response.json();
  for (const panel of group) {
    const part = answer.panels[panel.dataset.panel ?? ""];
    if (part) arrived(panel, part);
    else gone(panel);
  }
}

/** @param {string} url @param {string} accept */
function ask(url, accept) {
  return fetch(url, { headers: { "X-Panel": "1", Accept: accept }, redirect: "manual", cache: "no-store" });
}

/** The plugin was switched off, or the thing was deleted. @param {HTMLElement} panel */
function gone(panel) {
  panel.hidden = true;
}

/** @param {HTMLElement} panel @param {Part} part */
function arrived(panel, { html, state }) {
  panel.hidden = false;
  panel.removeAttribute("data-panel-waiting");
  panel.removeAttribute("data-panel-failed");
  panel.dataset.panelState = state;
  onceReleased(panel, () => show(panel, html));
}

/** @param {HTMLElement} panel @param {string} html */
function show(panel, html) {
  removeNote(panel);
  if (html === workOf(panel).html) return;
  if (isBusy(panel)) note(panel, "status", "", word("new_information"), () => exchange(panel, html));
  else exchange(panel, html);
}

/** @param {HTMLElement} panel @param {string} html */
function exchange(panel, html) {
  const restore = capture(panel);
  panel.innerHTML = html;
  workOf(panel).html = html;
  restore();
  void revive(panel);
  panel.dispatchEvent(new CustomEvent("careroom:panel", { bubbles: true, detail: { name: panel.dataset.panel } }));
  if (panel.dataset.announce) announce(panel.dataset.announce);
}

/** Lets htmx know what is new, on pages that use it. @param {HTMLElement} panel */
async function revive(panel) {
  if (!panel.querySelector("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete], [data-hx-get], [data-hx-post]")) return;
  const { default: htmx } = await import("htmx.org");
  htmx.process(panel);
}

/** @param {HTMLElement} panel */
function fail(panel) {
  panel.setAttribute("data-panel-failed", "");
  note(panel, "alert", word("something_went_wrong"), word("try_again"), () => reload(panel, 0));
}

/**
 * A line at the top of the panel with a button.
 * @param {HTMLElement} panel
 * @param {"status" | "alert"} role
 * @param {string} text
 * @param {string} label
 * @param {() => void} act
 */
function note(panel, role, text, label, act) {
  removeNote(panel);
  const line = document.createElement("div");
  line.className = "panel-note";
  line.setAttribute("role", role);
  line.dataset.panelNote = "";
  if (text) line.append(Object.assign(document.createElement("span"), { textContent: text }), " ");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button button-sm", textContent: label });
  button.addEventListener("click", () => {
    removeNote(panel);
    act();
  });
  line.append(button);
  panel.prepend(line);
}

/** @param {HTMLElement} panel */
function removeNote(panel) {
  panel.querySelector(":scope > [data-panel-note]")?.remove();
}

/** @param {string} text */
function announce(text) {
  let place = document.querySelector("[data-announcer]");
  if (!place) {
    place = document.createElement("div");
    place.className = "visually-hidden";
    place.setAttribute("role", "status");
    place.setAttribute("data-announcer", "");
    document.body.append(place);
  }
  const said = place;
  said.textContent = "";
  // The same words twice are said twice only when the region was empty in between.
  setTimeout(() => {
    said.textContent = text;
  }, 50);
}
