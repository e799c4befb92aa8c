/** What took the camera or the microphone away (a phone call, a cable), in plain words, and how they come back. */
import { devices, how, takeAnew, track, turnOn } from "./devices.js";
import { announce, one, place, press, say } from "./parts.js";

/** @typedef {import("./devices.js").Kind} Kind */

const KINDS = /** @type {Kind[]} */ (["camera", "microphone"]);
const SOON = 1_000; // what is only just being given back is not asked for
const READ_IN = 8_000;

/** What was there in this call and is gone. @type {Set<Kind>} */
const gone = new Set();
let words = "";
let note = 0;
let taking = false;

export function watchDevices() {
  devices.addEventListener("paused", () => setTimeout(show, SOON));
  devices.addEventListener("change", show);
  devices.addEventListener("refused", (event) => {
    const { detail: kind } = /** @type {CustomEvent<Kind>} */ (event);
    brief(say(["in_app", "insecure"].includes(how[kind]) ? how[kind] : `${kind}_${how[kind]}`));
  });
  devices.addEventListener("lost", (event) => void lost(/** @type {CustomEvent<Kind>} */ (event).detail));
  navigator.mediaDevices?.addEventListener?.("devicechange", () => gone.size && void again());
  document.addEventListener("visibilitychange", () => {
    // Back from the phone call: most often the system gives everything back by itself, and if not, we ask.
    if (document.visibilityState === "visible") setTimeout(() => (KINDS.some(isPaused) || gone.size) && void again(), SOON);
  });
  press("uninterrupt", again);
}

/** @param {Kind} kind */
const isPaused = (kind) => track(kind)?.muted === true;

/** @param {Kind} kind */
async function lost(kind) {
  gone.add(kind);
  await turnOn();
  if (track(kind)) brief(say(`another_${kind}`));
  show();
}

async function again() {
  if (taking) return;
  taking = true;
  await takeAnew().finally(() => (taking = false));
  show();
}

function show() {
  if (taking) return;
  for (const kind of KINDS) if (track(kind) || how[kind] === "chosen_off") gone.delete(kind);
  const [away, paused] = [[...gone].filter((kind) => how[kind] !== "wait"), KINDS.filter(isPaused)];
  const next = away.length ? say(`gone_${away.length > 1 ? "both" : away[0]}`) : paused.length ? say(`paused_${paused.length > 1 ? "both" : paused[0]}`) : "";
  if (next && next !== words) announce(next);
  if (words && !next) announce(say("device_back"));
  words = next;
  if (next || !note) put(next, true);
}

/** Said for a moment. @param {string} text */
function brief(text) {
  announce(text);
  put(text, false);
  clearTimeout(note);
  note = setTimeout(() => {
    note = 0;
    put(words, true);
  }, READ_IN);
}

/** @param {string} text @param {boolean} button */
function put(text, button) {
  const banner = place("interrupted");
  banner.hidden = !text;
  one("[data-text]", HTMLElement, banner).textContent = text;
  place("uninterrupt").hidden = !button;
}
