/** The clinician's page of a call: what happens when. Each part is in a module of its own. */
import { toast } from "careroom/toast";
import { openRoom } from "../line/room.js";
import { background, preferred } from "./background.js";
import { captions, showLine } from "./line.js";
import { keepNotes } from "./notes.js";
import { shortcuts } from "./keys.js";
import { hush, letGo, local, missing, own, start, track, turn, wants } from "./own.js";
import { callId, name, part, prefer, preferences, press, root, toolButton } from "./page.js";
import { keep, mainVideo, playAll, show } from "./people.js";
import { settings } from "./settings.js";
import { sharing, showTheirs, stop as stopSharing } from "./share.js";
import { levelOf } from "../patient/level.js";
import { listen, readState } from "./steps.js";
import { movable } from "./tile.js";
import { mountTools } from "./tools.js";
import { fullScreen, guard, pictureInPicture, stayAwake } from "./windows.js";
import { announce, say } from "./words.js";

/** @typedef {import("../line/room.js").Room} Room */

const TALKING = new Set(["admitted", "in_call"]);
const KEEP_WITHIN = 8_000; // the server takes the end of a recording for a little longer
const OVER = new Set(["ended", "missed", "declined"]);

/** @type {Room | undefined} */
let room;
/** @type {(() => void) | undefined} */
let quiet;
/** @type {string | undefined} */
let waited;
/** @type {(() => Promise<void>) | undefined} */
let keepNow;
/** @type {{finish: () => Promise<void>} | undefined} */
let tools;

void begin();

async function begin() {
  movable();
  keepNow = keepNotes();
  shortcuts();
  fullScreen();
  pictureInPicture(mainVideo);
  guard(() => root.dataset.phase === "call" && Boolean(room?.me));
  side();
  controls();
  settings({ background: (which) => background(which), bandwidth: (kbps) => void room?.limit(kbps), captions });
  sharing(() => room);
  listen((step, state) => {
    if (step !== "transfer") return follow(state.state);
    root.setAttribute("data-leaving", ""); // who holds it now is for the page to say anew
    location.reload();
  });
  document.addEventListener("careroom:event", (event) => {
    const { topic } = /** @type {CustomEvent<{topic: string}>} */ (event).detail;
    if (topic === root.dataset.topic && !room?.me) void look();
  });
  document.addEventListener("careroom:reset", () => void look());
  own.addEventListener("change", showOwn);
  own.addEventListener("gone", (event) => {
    const { name: label, kind, another } = /** @type {CustomEvent<{name: string, kind: string, another: boolean}>} */ (event).detail;
    toast({ text: say(another ? "device_gone" : `${kind}_gone`, { name: label }) });
  });
  await start(); // the other side sees both at once, or whatever there is
  follow(root.dataset.state ?? "");
  await enter();
  preferred();
}

async function enter() {
  const opened = await openRoom({ callId, local, leaveUrl: root.dataset.leaveUrl });
  room = opened;
  /** @param {string} event @param {(detail: any) => void} act */
  const on = (event, act) => opened.addEventListener(event, (told) => act(/** @type {CustomEvent} */ (told).detail));
  on("state", ({ state }) => follow(state));
  on("people", () => meet(opened));
  on("stream", ({ person, stream, kind }) => appear(opened, person, stream, kind));
  on("line", () => line());
  on("taken_over", takenOver);
  on("over", () => void look());
  on("removed", () => {
    root.setAttribute("data-leaving", ""); // a colleague holds it now
    letGo();
    location.reload();
  });
  const kbps = Number(preferences().bandwidth ?? 0);
  if (kbps) void opened.limit(kbps);
  meet(opened);
  for (const [person, { main }] of opened.streams) appear(opened, person, main, "main");
  follow(opened.state || root.dataset.state || "");
  send();
  tools = await mountTools(opened);
}

/** @param {Room} opened */
function meet(opened) {
  keep(opened.people.values());
  line();
}

/** @param {Room} opened @param {string} id @param {MediaStream | null} stream @param {string} kind */
function appear(opened, id, stream, kind) {
  const person = opened.people.get(id);
  if (kind === "screen") showTheirs(stream, person?.name ?? "");
  else if (person && stream) show(person, stream, silent);
  line();
}

/** The browser plays no sound before the page was touched: a reload in the call. */
function silent() {
  const once = () => {
    removeEventListener("pointerdown", once);
    removeEventListener("keydown", once);
    playAll();
  };
  addEventListener("pointerdown", once);
  addEventListener("keydown", once);
  toast({ text: say("no_sound"), action: { label: "OK", run: playAll } });
}

async function look() {
  const state = await readState();
  if (state) follow(state.state);
}

/** The call is in this state now. @param {string} state */
function follow(state) {
  const before = root.dataset.phase;
  root.dataset.state = state;
  if (OVER.has(state)) return void leave();
  const phase = TALKING.has(state) ? "call" : "before";
  root.dataset.phase = phase;
  hush(state === "on_hold");
  if (state === "ready" && waited !== undefined && waited !== "ready") announce(say("patient_ready", { name }));
  waited = state;
  if (phase !== before) {
    dispatchEvent(new Event("resize")); // the tile finds its place
    void stayAwake(phase === "call");
    if (phase === "call") announce(say("admitted", { name }));
    else stopSharing(room);
  }
  line();
}

function line() {
  const patient = [...(room?.people.values() ?? [])].find((person) => person.role === "patient");
  const quality = /** @type {import("./line.js").Quality} */ (room?.line ?? "connecting");
  showLine({ phase: root.dataset.phase ?? "before", here: patient?.here !== false, line: quality });
}

async function leave() {
  if (root.hasAttribute("data-leaving")) return;
  root.setAttribute("data-leaving", "");
  const kept = tools?.finish();
  room?.close();
  letGo();
  void stayAwake(false);
  await keepNow?.(); // the patient hung up in the middle of a sentence
  await Promise.race([kept, new Promise((resolve) => setTimeout(resolve, KEEP_WITHIN))]);
  location.replace(root.dataset.endedUrl ?? "");
}

/** Another window of the same clinician goes on with it. */
function takenOver() {
  letGo();
  stopSharing(undefined);
  room = undefined;
  part("[data-taken]", HTMLElement, root).hidden = false;
  const back = part("[data-take-back]", HTMLButtonElement, root);
  back.addEventListener("click", () => location.reload());
  back.focus();
}

function controls() {
  toolButton("microphone").addEventListener("click", async () => {
    await turn("microphone", !wants.microphone || !track("microphone"));
    announce(say(track("microphone")?.enabled ? "unmuted" : "muted"));
  });
  toolButton("camera").addEventListener("click", async () => {
    await turn("camera", !track("camera"));
    announce(say(track("camera") ? "camera_on" : "camera_off"));
  });
}

function showOwn() {
  const video = part("[data-self-video]", HTMLVideoElement, root);
  if (video.srcObject !== local.stream) video.srcObject = local.stream;
  void video.play().catch(() => undefined);
  press("microphone", Boolean(track("microphone")?.enabled));
  press("camera", Boolean(track("camera")));
  part("[data-self-off]", HTMLElement, root).hidden = Boolean(track("camera"));
  const why = wants.camera && missing.camera;
  part("[data-self-why]", HTMLElement, root).textContent = !why ? say("camera_off") : why === "none" ? say("no_camera") : say(why === "in_app" ? "other" : why);
  quiet?.();
  const level = part("[data-level]", HTMLElement, root);
  quiet = track("microphone") ? levelOf(local.stream, (loud) => level.style.setProperty("--level", String(track("microphone")?.enabled ? Math.min(1, loud * 2) : 0))) : undefined;
  send();
}

function send() {
  if (!room) return;
  for (const [slot, sent] of /** @type {const} */ ([["audio", track("microphone")], ["video", track("camera")]])) {
    if (room.tracks[slot] !== sent) void room.setTrack(slot, sent);
  }
  room.note();
}

/** The sidebar, closed and opened. */
function side() {
  const button = part("[data-side-toggle]", HTMLButtonElement, root);
  /** @param {boolean} open */
  const set = (open) => {
    root.toggleAttribute("data-side-closed", !open);
    button.setAttribute("aria-expanded", String(open));
  };
  set(preferences().side !== false);
  button.addEventListener("click", () => {
    const open = root.hasAttribute("data-side-closed");
    set(open);
    prefer({ side: open });
  });
}
