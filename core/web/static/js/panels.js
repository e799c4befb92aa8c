/**
 * Panels keep themselves fresh: <section data-panel="name" data-panel-url="..." data-topics="topic topic"> is fetched
 * again when one of its topics is told. What the person is doing inside stays: focus, open parts, scroll, half-typed
 * fields. While they type nothing is exchanged under their hands; a button offers the new state instead.
 *
 * data-announce="words" says the change to screen readers. After an exchange the panel dispatches "careroom:panel".
 */
import { capture, isBusy } from "careroom/panel_state";
import { word } from "careroom/words";

const GATHER = 150; // several events of one transaction make one request

/** @type {WeakMap<HTMLElement, {timer?: number, loading: boolean, again: boolean, html?: string}>} */
const works = new WeakMap();

/** Begins to listen, once. */
export function start() {
  if (start.done) return;
  start.done = true;
  document.addEventListener("careroom:event", (event) => {
    const { topic } = /** @type {CustomEvent<{topic: string}>} */ (event).detail;
    for (const panel of panels()) if (topics(panel).includes(topic)) reload(panel);
  });
  document.addEventListener("careroom:reset", () => {
    for (const panel of panels()) reload(panel);
  });
  document.addEventListener("careroom:connection", (event) => {
    if (/** @type {CustomEvent<{state: string}>} */ (event).detail.state !== "connected") return;
    for (const panel of panels()) if (panel.hasAttribute("data-panel-failed")) reload(panel);
  });
}
start.done = false;

/**
 * Fetches a panel soon; calls that come close together are one.
 * @param {HTMLElement} panel
 */
export function reload(panel) {
  const work = workOf(panel);
  if (work.loading) {
    work.again = true;
    return;
  }
  clearTimeout(work.timer);
  work.timer = setTimeout(() => void load(panel), GATHER);
}

/** @returns {HTMLElement[]} */
function panels() {
  return [...document.querySelectorAll("[data-panel][data-panel-url]")].filter((panel) => panel instanceof HTMLElement);
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

/** @param {HTMLElement} panel */
async function load(panel) {
  const work = workOf(panel);
  const url = panel.dataset.panelUrl;
  if (!url || !panel.isConnected) return;
  work.loading = true;
  work.again = false;
  panel.setAttribute("aria-busy", "true");
  try {
    const headers = { "X-Panel": "1", Accept: "text/html" };
    const response = await fetch(url, { headers, redirect: "manual", cache: "no-store" });
    if (response.status === 404) gone(panel);
    else if (!response.ok) fail(panel);
    else arrived(panel, await response.text());
  } catch {
    fail(panel);
  } finally {
    panel.removeAttribute("aria-busy");
    work.loading = false;
    if (work.again) reload(panel);
  }
}

/** The plugin was switched off, or the thing was deleted. @param {HTMLElement} panel */
function gone(panel) {
  panel.hidden = true;
}

/** @param {HTMLElement} panel @param {string} html */
function arrived(panel, html) {
  const work = workOf(panel);
  panel.hidden = false;
  panel.removeAttribute("data-panel-failed");
  removeNote(panel);
  if (html === work.html) return;
  if (isBusy(panel)) {
    note(panel, "status", "", word("new_information"), () => exchange(panel, html));
    return;
  }
  exchange(panel, html);
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
  note(panel, "alert", word("something_went_wrong"), word("try_again"), () => reload(panel));
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
