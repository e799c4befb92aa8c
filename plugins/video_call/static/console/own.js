/**
 * The clinician's own camera and microphone: what is wanted, what there is, and which track is sent. One stream for the
 * whole visit; the tracks in it come and go. A camera that is off is let go, so that its light goes out.
 */
import { acquire, resize as ofCamera, useDevice } from "../line/media.js";
import { prefer, preferences, root } from "./page.js";

/** @typedef {"camera" | "microphone"} Kind */
/** @typedef {"audio" | "video"} Sent */

const SENT = /** @type {Record<Kind, Sent>} */ ({ camera: "video", microphone: "audio" });

/**
 * Tells "change" (tracks came, went, or were turned on or off) and, when a device was unplugged and another was looked
 * for, "gone" ({detail: {name, kind, another: is there one?}}).
 */
export const own = new EventTarget();
/** What the room sends and the preview shows. @type {{stream: MediaStream}} */
export const local = { stream: new MediaStream() };
/** @type {Record<Kind, boolean>} what the clinician wants to be on */
export const wants = { camera: true, microphone: true };
/** Why something is missing. @type {Partial<Record<Kind, string>>} */
export const missing = {};
/** @type {((raw: MediaStreamTrack) => Promise<MediaStreamTrack>) | undefined} */
let through;
/** The camera's track as it comes, before a background. @type {MediaStreamTrack | undefined} */
let raw;
let height = Math.min(Number(preferences().height ?? 720), Number(root.dataset.height ?? 720));
/** @type {Promise<void> | undefined} */
let starting;

/** @param {Kind} kind @returns {MediaStreamTrack | null} the track that is sent */
export function track(kind) {
  return local.stream.getTracks().find((one) => one.kind === SENT[kind] && one.readyState === "live") ?? null;
}

/** Starts what is wanted and not there. */
export function start() {
  starting ??= startOnce().finally(() => {
    starting = undefined;
  });
  return starting;
}

async function startOnce() {
  const wanted = { camera: wants.camera && !track("camera"), microphone: wants.microphone && !track("microphone") };
  if (!wanted.camera && !wanted.microphone) return;
  const got = await acquire({ ...wanted, height });
  for (const kind of /** @type {Kind[]} */ (["camera", "microphone"])) {
    if (!wanted[kind]) continue;
    const found = got.stream.getTracks().find((one) => one.kind === SENT[kind]);
    const why = got.missing.find((one) => one.kind === kind)?.why ?? "other";
    if (!found) missing[kind] = why;
    else await put(kind, await preferred(kind, found));
  }
  tell();
}

/** The device that was chosen in this browser before, where it is there. @param {Kind} kind @param {MediaStreamTrack} found */
async function preferred(kind, found) {
  const id = preferences()[kind];
  if (!id || found.getSettings().deviceId === id) return found;
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (!devices.some((one) => one.deviceId === id)) return found;
  try {
    const other = await useDevice(kind, id);
    if (other !== found) found.stop();
    return other;
  } catch {
    return found;
  }
}

/** Uses another device from now on. Throws when it cannot be opened; the old one goes on. @param {Kind} kind @param {string} id */
export async function choose(kind, id) {
  prefer({ [kind]: id });
  wants[kind] = true;
  try {
    await put(kind, await useDevice(kind, id));
  } catch (error) {
    const back = (await acquire({ camera: kind === "camera", microphone: kind === "microphone", height })).stream;
    const found = back.getTracks().find((one) => one.kind === SENT[kind]);
    if (found) await put(kind, found);
    throw error;
  } finally {
    tell();
  }
}

/** @param {Kind} kind @param {boolean} on */
export async function turn(kind, on) {
  wants[kind] = on;
  if (kind === "camera" && !on) drop("camera");
  const sent = track(kind);
  if (sent) sent.enabled = on;
  tell();
  if (on && !sent) await start();
}

/** On hold, and in a window that gave the call away, nobody is seen or heard. @param {boolean} quiet */
export function hush(quiet) {
  for (const kind of /** @type {Kind[]} */ (["camera", "microphone"])) {
    const sent = track(kind);
    if (sent) sent.enabled = wants[kind] && !quiet;
  }
}

/** Lets everything go. */
export function letGo() {
  drop("camera");
  drop("microphone");
  tell();
}

/** @param {number} lines of the picture */
export async function resize(lines) {
  height = lines;
  prefer({ height: String(lines) });
  await ofCamera(lines).catch(() => undefined);
}

/**
 * Sends the picture through something (a background) from now on; undefined: as the camera gives it.
 * @param {((raw: MediaStreamTrack) => Promise<MediaStreamTrack>) | undefined} filter
 */
export async function sendThrough(filter) {
  through = filter;
  if (raw?.readyState === "live") await show(raw);
  tell();
}

/** @param {Kind} kind @param {MediaStreamTrack} fresh */
async function put(kind, fresh) {
  delete missing[kind];
  fresh.addEventListener("ended", () => void lost(kind, fresh));
  for (const name of ["mute", "unmute"]) fresh.addEventListener(name, tell); // the system took it, and gives it back
  if (kind === "camera") {
    const before = raw;
    raw = fresh;
    await show(fresh);
    if (before && before !== fresh) before.stop();
  } else replace(fresh);
  const sent = track(kind);
  if (sent) sent.enabled = wants[kind];
}

/** @param {MediaStreamTrack} picture */
async function show(picture) {
  let shown = picture;
  try {
    if (through) shown = await through(picture);
  } catch {
    through = undefined;
    own.dispatchEvent(new Event("plain"));
  }
  if (raw === picture) replace(shown);
}

/** @param {MediaStreamTrack} fresh */
function replace(fresh) {
  for (const old of local.stream.getTracks()) {
    if (old.kind !== fresh.kind || old === fresh) continue;
    local.stream.removeTrack(old);
    if (old !== raw) old.stop();
  }
  if (!local.stream.getTracks().includes(fresh)) local.stream.addTrack(fresh);
}

/** @param {Kind} kind */
function drop(kind) {
  for (const old of local.stream.getTracks()) {
    if (old.kind !== SENT[kind]) continue;
    local.stream.removeTrack(old);
    old.stop();
  }
  if (kind !== "camera") return;
  raw?.stop();
  raw = undefined;
}

/** Unplugged. @param {Kind} kind @param {MediaStreamTrack} old */
async function lost(kind, old) {
  if (kind === "camera" ? raw !== old : track(kind) !== null) return;
  drop(kind);
  tell();
  await start();
  own.dispatchEvent(new CustomEvent("gone", { detail: { name: old.label, kind, another: track(kind) !== null } }));
}

// What was unplugged and comes back is used again.
navigator.mediaDevices?.addEventListener?.("devicechange", () => {
  if ((wants.camera && missing.camera && !track("camera")) || (wants.microphone && missing.microphone && !track("microphone"))) void start();
});

function tell() {
  own.dispatchEvent(new Event("change"));
}
