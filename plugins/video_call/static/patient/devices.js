/**
 * The patient's camera and microphone: what was asked for, what came of it, and what is wanted of it just now. There is
 * one stream for the whole visit; the tracks in it come and go.
 */
import { acquire, release, switchCamera as nextCamera, useDevice } from "../line/media.js";
import { base, height } from "./server.js";
import { isInApp } from "./where.js";

/** @typedef {"camera" | "microphone"} Kind */
/** @typedef {"good" | "wait" | "chosen_off" | "none" | "busy" | "denied" | "in_app" | "insecure" | "other"} How */

const TRACK = /** @type {const} */ ({ camera: "video", microphone: "audio" });
const KINDS = /** @type {Kind[]} */ (["camera", "microphone"]);

/**
 * Tells "change" when tracks came or went, or were turned on or off, "paused" when the system took one away, "lost" (its
 * kind) when one ended, "refused" (its kind) when one that was to be turned on is not there.
 */
export const devices = new EventTarget();

/** @type {{stream: MediaStream | null}} */
export const local = { stream: null };
/** @type {Record<Kind, How>} */
export const how = { camera: "wait", microphone: "wait" };
/** What the patient turned off; a hold turns both off without changing this. */
export const off = { camera: false, microphone: false };
const KEPT = `video_call.off ${base}`;
for (const [kind, is] of Object.entries(recall())) {
  if (is === "chosen_off") how[/** @type {Kind} */ (kind)] = is;
  else off[/** @type {Kind} */ (kind)] = true;
}
let held = false;
/** @type {WeakSet<MediaStreamTrack>} */
const known = new WeakSet();
/** @type {Promise<void> | undefined} */
let turning;
/** What is being turned on. @type {Kind[]} */
let asking = [];

/**
 * The live track of a kind, if there is one.
 * @param {Kind} kind
 */
export function track(kind) {
  return local.stream?.getTracks().find((one) => one.kind === TRACK[kind] && one.readyState === "live") ?? null;
}

/**
 * Asks the browser for what is missing and not given up.
 * @param {Kind[]} [kinds] of these
 */
export async function turnOn(kinds = KINDS) {
  if (turning && kinds.some((kind) => !asking.includes(kind))) await turning;
  if (!turning) asking = kinds;
  turning ??= turnOnOnce(kinds).finally(() => (turning = undefined));
  await turning;
}

/** @param {Kind[]} kinds */
async function turnOnOnce(kinds) {
  const wanted = Object.fromEntries(KINDS.map((kind) => [kind, kinds.includes(kind) && how[kind] !== "chosen_off" && !track(kind)]));
  if (!wanted.camera && !wanted.microphone) return;
  for (const kind of KINDS) if (wanted[kind]) how[kind] = "wait";
  tellChange();
  const got = await acquire({ camera: !!wanted.camera, microphone: !!wanted.microphone, height });
  local.stream = got.stream;
  adopt();
  for (const kind of KINDS) {
    if (!wanted[kind]) continue;
    const why = got.missing.find((one) => one.kind === kind)?.why;
    how[kind] = track(kind) ? "good" : isInApp && why !== "busy" ? "in_app" : (why ?? "other");
  }
  tellChange();
}

/**
 * Uses another camera or microphone. Raises when it cannot be opened; then the old one goes on.
 * @param {Kind} kind
 * @param {string} id
 */
export async function choose(kind, id) {
  await useDevice(kind, id).finally(adopt);
}

/** Front camera to back camera and back. Raises when it cannot be opened; then the old one goes on. */
export async function turnCamera() {
  await nextCamera().finally(adopt);
}

/**
 * The way on without something.
 * @param {Kind[]} kinds
 */
export function doWithout(...kinds) {
  for (const kind of kinds) {
    drop(kind);
    how[kind] = "chosen_off";
  }
  tellChange();
}

/**
 * Try again, also what was given up: everything, or only what is named.
 * @param {Kind[]} kinds
 */
export async function tryAgain(...kinds) {
  await turning;
  const asked = kinds.length ? kinds : KINDS;
  for (const kind of asked) if (!track(kind)) how[kind] = "wait";
  await turnOn(asked);
}

/**
 * Off at once; on, and asked for where there is none. Tells "refused" (the kind) when there still is none.
 * @param {Kind} kind
 * @param {boolean} on
 */
export async function turn(kind, on) {
  turnOff(kind, !on);
  if (!on || track(kind)) return;
  await tryAgain(kind);
  if (!track(kind)) devices.dispatchEvent(new CustomEvent("refused", { detail: kind }));
}

/**
 * @param {Kind} kind
 * @param {boolean} is
 */
export function turnOff(kind, is) {
  off[kind] = is;
  apply();
  tellChange();
}

/**
 * On hold nobody is seen or heard, whatever they chose.
 * @param {boolean} is
 */
export function hold(is) {
  if (held === is) return;
  held = is;
  apply();
}

/** After a phone call took the camera or the microphone away: opens them again. */
export async function takeAnew() {
  for (const kind of KINDS) if (track(kind)?.muted) drop(kind);
  await turnOn(); // not what the patient chose to do without
}

/** Lets everything go: the light beside the camera goes out. */
export function letGo() {
  release();
}

/** Does the picture look back at its owner? A picture of what is in front of the phone must not be mirrored. */
export function isMirrored() {
  return track("camera")?.getSettings().facingMode !== "environment";
}

/** Listens to tracks that are new in the stream. */
function adopt() {
  for (const fresh of local.stream?.getTracks() ?? []) {
    const kind = fresh.kind === "video" ? "camera" : "microphone";
    if (known.has(fresh) || fresh.readyState !== "live") continue;
    known.add(fresh);
    how[kind] = "good";
    fresh.addEventListener("ended", () => lost(kind, fresh));
    // iOS: a phone call takes the microphone away and does not always give it back.
    for (const name of ["mute", "unmute"]) fresh.addEventListener(name, () => devices.dispatchEvent(new Event("paused")));
  }
  apply();
  tellChange();
}

/** @param {Kind} kind @param {MediaStreamTrack} old */
function lost(kind, old) {
  if (!local.stream?.getTracks().includes(old)) return;
  local.stream.removeTrack(old);
  how[kind] = "none";
  tellChange();
  devices.dispatchEvent(new CustomEvent("lost", { detail: kind }));
}

/** @param {Kind} kind */
function drop(kind) {
  for (const old of local.stream?.getTracks() ?? []) {
    if (old.kind !== TRACK[kind]) continue;
    local.stream?.removeTrack(old);
    old.stop();
  }
}

function apply() {
  for (const kind of KINDS) {
    const one = track(kind);
    if (one) one.enabled = !off[kind] && !held;
  }
}

/** What was off or done without is so after the page was loaded again. @returns {Record<string, string>} */
function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

function keep() {
  const not = KINDS.filter((kind) => off[kind] || how[kind] === "chosen_off").map((kind) => [kind, how[kind] === "chosen_off" ? "chosen_off" : "off"]);
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(not)));
  } catch {
    // Private windows may refuse: then everything is asked for again.
  }
}

function tellChange() {
  keep();
  devices.dispatchEvent(new Event("change"));
}
