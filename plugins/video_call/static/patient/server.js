/**
 * How the call stands, from the server: read at first with the page, then whenever the bus says that it changed. What
 * the bus could not say (asleep, no network) is asked for when the page comes back.
 *
 * @typedef {{id: string, role: string, name: string, as_what: string | null, here: boolean, admitted: boolean}} Person
 * @typedef {{id: string, state: string, since: string, clinician: string, me: string | null, admitted: boolean,
 *   reason: string | null, message: string | null, position: number | null, participants: Person[], held: boolean,
 *   recording?: boolean, came: boolean, talking: boolean}} State
 */
import { start as startBus } from "careroom/bus";
import { one, place, say } from "./parts.js";

const OFTEN = 20_000;
const visit = place("visit").dataset;

export const callId = visit.call ?? "";
export const clinician = visit.clinician ?? "";
export const isGuest = visit.role === "guest";
export const phone = visit.phone ?? "";
export const height = Number(visit.height ?? 720);
export const base = visit.base ?? location.pathname;

/** Tells "change" when another state was read, and "network" when the server can or cannot be reached. */
export const changes = new EventTarget();
export let isReachable = true;

/** @type {State} */
let state = JSON.parse(one("#state", HTMLScriptElement).textContent ?? "{}");
let asking = false;
let again = false;
/** How many steps were answered: a question from before such an answer may be older than it. */
let steps = 0;
/** Does nothing but these questions say that the patient is here? Once the line of the call is open, it does. */
let isAlone = !isGuest;
/** A page that the server has not heard of takes the patient's place; it says so until it was heard. */
let isNew = true;

/** @returns {State} */
export const now = () => state;

export function start() {
  document.addEventListener("careroom:event", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.topic === `video_call.call:${callId}`) void refresh();
  });
  for (const name of ["careroom:reset", "careroom:connection"]) document.addEventListener(name, () => void refresh());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void refresh());
  addEventListener("online", () => void refresh());
  addEventListener("offline", () => reached(false));
  addEventListener("pageshow", (event) => event.persisted && void refresh());
  addEventListener("pagehide", () => {
    if (isAlone) void post("leave").catch(() => undefined);
  });
  setInterval(() => void refresh(), OFTEN);
  startBus();
}

/** From now on the line says that the patient is here, and when they go; or the page goes, and says nothing any more. */
export function lineIsOpen() {
  isAlone = false;
}

/** Asks how the call stands; who asks meanwhile is answered by one more question. */
export async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  const before = steps;
  try {
    const read = await answered(isAlone ? post("arrive", { new: isNew }) : fetch(`${base}state`, { headers: { Accept: "application/json" } }));
    isNew = false;
    if (before === steps) take(read);
    else again = true;
  } catch {
    reached(false);
  } finally {
    asking = false;
  }
  if (again) {
    again = false;
    await refresh();
  }
}

/**
 * Asks for a step; the server decides. Raises when it could not be asked.
 * @param {"started" | "ready" | "unready" | "end"} step
 * @param {unknown} [body]
 * @returns {Promise<State>}
 */
export async function ask(step, body = {}) {
  const read = await answered(post(step, body));
  steps += 1;
  take(read);
  return state;
}

/** @param {string} step @param {unknown} [body] */
function post(step, body = {}) {
  const token = one("meta[name='csrf-token']", HTMLMetaElement).content;
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token };
  return fetch(base + step, { method: "POST", headers, body: JSON.stringify(body), keepalive: true });
}

/** @param {Promise<Response>} asked */
async function answered(asked) {
  const answer = await asked;
  // The link is closed, or the page too old: its own page says so.
  if ([400, 403, 404, 410].includes(answer.status)) {
    isAlone = false;
    location.reload();
  }
  if (!answer.ok) throw new Error(say("failed"));
  return answer.json();
}

/** @param {State} read */
function take(read) {
  reached(true);
  const changed = JSON.stringify(read) !== JSON.stringify(state);
  state = read;
  if (changed) changes.dispatchEvent(new Event("change"));
}

/** @param {boolean} is */
function reached(is) {
  if (is === isReachable) return;
  isReachable = is;
  changes.dispatchEvent(new Event("network"));
}
