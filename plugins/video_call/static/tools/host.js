/**
 * What the tools of a call need of the page that they are on, and what they share: words, templates, the way to the server.
 *
 * @typedef {object} Host
 * @property {HTMLElement} bar where buttons go
 * @property {HTMLElement} side where panels go, beside or below the picture
 * @property {HTMLElement} stage over which boards and files are laid
 * @property {() => HTMLVideoElement | undefined} patientPicture what the patient's camera shows, on this side
 * @property {() => number} [photoHeight] how many lines a picture of the video may have at most; 0: as it comes
 * @property {(text: string) => void} announce to screen readers
 * @property {(text: string) => void} [note] shown for a moment, and read
 * @property {() => HTMLVideoElement | undefined} screen where the page shows a shared screen now
 * @property {Devices} [devices] the patient's own, on the patient's page
 *
 * @typedef {object} Devices
 * @property {(kind: "microphone" | "camera", on: boolean) => unknown} turn
 * @property {() => Promise<unknown>} switchCamera
 *
 * @typedef {import("../line/room.js").Room} Room
 * @typedef {{role: "clinician" | "patient" | "guest", base: string, call: string, may_draw: boolean, patient_may_draw: boolean,
 *   board: "page" | "screen" | null, shown: string | null,
 *   recording: {what: "audio" | "video" | null, warning: string},
 *   chat: {max_text: number, max_bytes: number, accept: string}, words: Record<string, string>, client?: string}} Facts
 * @typedef {{room: Room, host: Host, facts: Facts, signal: AbortSignal}} Tools signal: ends with this page's part in the
 *   call; its reason is "over", "taken_over" or "removed"
 */
import { csrfToken } from "./token.js";

/** @returns {Facts} */
export function readFacts() {
  return JSON.parse(document.getElementById("call-tools")?.textContent ?? "{}");
}

/** What the server said instead of yes: its own sentence, and a code for scripts. */
export class Refusal extends Error {
  /** @param {string} message @param {string} [code] */
  constructor(message, code = "") {
    super(message);
    this.code = code;
  }
}

/**
 * @param {Facts} facts
 * @param {string} path below the call's address
 * @param {{body?: BodyInit | null, json?: unknown, method?: string, type?: string, name?: string}} [options] a body or JSON makes it a POST
 * @returns {Promise<any>} Raises Refusal with the sentence for the person.
 */
export async function ask(facts, path, { body = null, json, method, type, name } = {}) {
  const sends = json !== undefined || body !== null || method === "POST";
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (sends) headers["X-CSRFToken"] = csrfToken();
  if (sends && facts.client) headers["X-Client"] = facts.client;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  else if (type) headers["Content-Type"] = type;
  if (name) headers["X-File-Name"] = encodeURIComponent(name);
  let answer;
  try {
    answer = await fetch(facts.base + path, { method: sends ? "POST" : "GET", headers, body: json !== undefined ? JSON.stringify(json) : body });
  } catch {
    throw new Refusal(say(facts, "offline"));
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(said?.error?.message || say(facts, "failed"), said?.error?.code);
  return said;
}

/**
 * @param {Facts} facts
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(facts, key, values = {}) {
  return (facts.words[key] ?? key).replace(/\{(\w+)\}/g, (_place, name) => String(values[name] ?? ""));
}

/**
 * A copy of a part of the page: ``<template data-ct="chat">``.
 * @param {string} name
 * @returns {HTMLElement}
 */
export function make(name) {
  const template = document.querySelector(`template[data-ct="${name}"]`);
  const made = template instanceof HTMLTemplateElement ? template.content.firstElementChild?.cloneNode(true) : null;
  if (!(made instanceof HTMLElement)) throw new Error(`no template ${name}`);
  return made;
}

/**
 * @template {Element} T
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function part(within, selector, kind) {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`no ${selector}`);
  return found;
}

/**
 * A button in the bar, from its template; it is pressed while its tool is open.
 * @param {Host} host
 * @param {string} name
 * @param {() => unknown} act
 */
export function button(host, name, act) {
  const made = /** @type {HTMLButtonElement} */ (make(`button-${name}`));
  made.addEventListener("click", () => void act());
  host.bar.append(made);
  return made;
}

/**
 * A panel beside the picture, from its template, with its button; one is open at a time.
 * @param {Host} host
 * @param {string} name
 * @param {(open: boolean) => void} turned
 */
export function panelOf(host, name, turned) {
  const panel = make(name);
  panel.hidden = true;
  host.side.append(panel);
  const toggle = button(host, name, () => turn(Boolean(panel.hidden)));

  /** @param {boolean} open */
  function turn(open) {
    if (open) host.side.dispatchEvent(new CustomEvent("ct-open", { detail: panel }));
    panel.hidden = !open;
    press(toggle, open);
    host.side.hidden = ![...host.side.children].some((one) => !(/** @type {HTMLElement} */ (one).hidden));
    turned(open);
    if (!open) toggle.focus();
    else panel.scrollIntoView({ block: "nearest" });
  }

  host.side.addEventListener("ct-open", (event) => {
    if (/** @type {CustomEvent} */ (event).detail === panel || panel.hidden) return;
    panel.hidden = true;
    press(toggle, false);
  });
  part(panel, "[data-ct-close]", HTMLButtonElement).addEventListener("click", () => turn(false));
  panel.addEventListener("keydown", (event) => event.key === "Escape" && turn(false));
  return { panel, toggle };
}

/** @param {HTMLElement} element @param {boolean} on */
export function press(element, on) {
  element.setAttribute("aria-pressed", String(on));
}

/**
 * Hears a change of this call that the bus tells of.
 * @param {Tools} tools
 * @param {string[]} types
 * @param {() => unknown} act
 */
export function onChange({ facts, signal }, types, act) {
  const event = (/** @type {Event} */ heard) => {
    const { topic, type } = /** @type {CustomEvent} */ (heard).detail;
    if (topic === `video_call.call:${facts.call}` && types.includes(type)) void act();
  };
  document.addEventListener("careroom:event", event, { signal });
  document.addEventListener("careroom:reset", () => void act(), { signal });
}

const TRIES = 4;
const PAUSE = 1500;

/**
 * Asks for something on another page; a line that is away for a moment is waited for. Only for what may be asked twice.
 * @param {Room} room
 * @param {string} kind
 * @param {Record<string, unknown>} [body]
 */
export async function control(room, kind, body = {}) {
  for (let tries = 1; ; tries += 1) {
    const answer = await room.control(kind, body);
    if (answer.ok || tries === TRIES || !["disconnected", "timeout"].includes(answer.reason ?? "")) return answer;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** @param {EventTarget} target @param {string} name @param {(detail: any) => unknown} act */
export function on(target, name, act) {
  target.addEventListener(name, (event) => void act(/** @type {CustomEvent} */ (event).detail));
}
