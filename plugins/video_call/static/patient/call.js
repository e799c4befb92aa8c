/** The call: the clinician large, oneself small, big controls, and in plain words how the connection is. */
import { openRoom } from "../line/room.js";
import { devices, local, off, track, turn, turnCamera } from "./devices.js";
import { announce, one, place, press, say, tell } from "./parts.js";
import { ask, base, callId, changes, clinician, isGuest, isReachable, now, phone } from "./server.js";
import { allowSound } from "./sound.js";
import { know, show, unblock } from "./people.js";
import { mountTools } from "./tools.js";

/** @typedef {import("../line/room.js").Room} Room */
/** @typedef {{elsewhere: () => void, over: () => void}} Visit */

/** @type {Room | undefined} */
let room;
/** @type {Promise<void> | undefined} */
let opening;
/** @type {Record<string, MediaStreamTrack | null>} */
const sent = { audio: null, video: null };
let line = "connecting";

/**
 * Opens the line of this call, once.
 * @param {Visit} visit
 */
export function openCall(visit) {
  opening ??= open(visit);
  return opening.then(send);
}

/** @param {Visit} visit */
async function open(visit) {
  controls();
  room = await openRoom({ callId, local, leaveUrl: `${base}leave` });
  /** @param {string} name @param {(detail: any) => void} act */
  const on = (name, act) => room?.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
  on("stream", ({ person, stream, kind }) => show(person, stream, kind));
  on("people", ({ people }) => know(people));
  on("line", ({ line: how }) => showLine(how));
  on("taken_over", () => {
    room?.close();
    visit.elsewhere();
  });
  on("over", visit.over);
  devices.addEventListener("change", send);
  devices.addEventListener("paused", send);
  changes.addEventListener("change", showState);
  changes.addEventListener("network", () => showLine(line));
  know(room.people);
  showState();
  showLine(room.line);
  void mountTools(room).catch(() => undefined); // a call without them is a call
}

function send() {
  showControls();
  for (const [kind, one] of /** @type {const} */ ([["audio", track("microphone")], ["video", track("camera")]])) {
    if (!room || sent[kind] === one) continue;
    sent[kind] = one;
    void room.setTrack(kind, one);
  }
  room?.note(); // heard and seen, or not
}

function controls() {
  press("mute", async () => {
    await turn("microphone", isOff("microphone"));
    announce(say(isOff("microphone") ? "is_muted" : "is_heard"));
  });
  press("hide", async () => {
    await turn("camera", isOff("camera"));
    announce(say(isOff("camera") ? "is_hidden" : "is_seen"));
  });
  press("flip", () => turnCamera().catch(() => announce(say("camera_other"))));
  const dialog = one("#confirm-end", HTMLDialogElement);
  for (const id of ["hang-up", "leave"]) press(id, () => dialog.showModal());
  press("end-no", () => dialog.close());
  press("end-yes", async () => {
    if (isGuest) {
      room?.close();
      location.reload();
      return;
    }
    try {
      await ask("end");
    } catch {
      dialog.close();
      announce(say("failed"));
    }
  });
  press("unblock", () => {
    allowSound();
    unblock();
  });
}

/** @param {import("./devices.js").Kind} kind */
const isOff = (kind) => off[kind] || !track(kind);

async function showControls() {
  const [muted, hidden] = [isOff("microphone"), isOff("camera")];
  for (const [id, is, word] of /** @type {const} */ ([["mute", muted, muted ? "unmute" : "mute"], ["hide", hidden, hidden ? "camera_on" : "camera_off"]])) {
    const button = place(id);
    button.setAttribute("aria-pressed", String(is));
    one("[data-label]", HTMLElement, button).textContent = say(word);
  }
  const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  place("flip").hidden = !track("camera") || all.filter((device) => device.kind === "videoinput").length < 2;
}

function showState() {
  const { state, message, recording } = now();
  const hold = place("hold");
  const [before, is] = [!hold.hidden, state === "on_hold"];
  hold.hidden = !is;
  one("[data-message]", HTMLElement, hold).textContent = message ?? "";
  if (is !== before) announce(say(is ? "on_hold" : "goes_on"));
  place("recording").hidden = !recording;
  showLine(line);
}

/** @param {string} how "connecting", "good", "weak", "reconnecting" or "lost" */
function showLine(how) {
  line = how;
  const caption = place("line");
  const isOffline = !isReachable && how !== "good";
  const key = isOffline ? "offline" : how === "lost" && phone ? "line_lost_phone" : `line_${how}`;
  const words = say(key, { name: clinician, phone });
  caption.dataset.line = isOffline ? "lost" : how;
  const shown = one("[data-text]", HTMLElement, caption);
  if (shown.textContent === words) return;
  tell(shown, words);
  if (!place("call").hidden) announce(words);
}
