/** The patient's visit, from the guidance to the end: which part shows follows from the state of the call. */
import { stayAwake } from "./awake.js";
import { closeCheck, found, measureLine, openCheck, startCheck } from "./check.js";
import { hold, letGo, turnOn } from "./devices.js";
import { announce, one, place, press, say } from "./parts.js";
import { startPreviews } from "./preview.js";
import { ask, base, changes, clinician, isGuest, isReachable, lineIsOpen, now, refresh, start } from "./server.js";
import { allowSound, playBegin } from "./sound.js";
import { closeWaiting, openWaiting, startWaiting } from "./waiting.js";

/** @typedef {"moment" | "guide" | "check" | "waiting" | "call" | "elsewhere"} Step */

const OVER = ["ended", "missed", "declined"];
const CALLED = ["admitted", "in_call"];
const OPENED = "video_call.opened";
const CAME = "video_call.came";
const title = document.title;

/** @type {Step} */
let shown = "guide";
/** Where the patient is by their own will; the state of the call may take them further. @type {Step} */
let chosen = "guide";
let isLeaving = false;
let isAsking = false;
let opened = false;
/** @type {Promise<typeof import("./call.js")> | undefined} */
let loading;

/** The call's own modules come once the page stands: what shows first must not wait for them. */
const call = () => (loading ??= import("./call.js"));
let isIncomplete = false;

function follow() {
  const { state, admitted, talking, participants, me } = now();
  const removed = isGuest && me !== null && participants.length > 0 && !participants.some((each) => each.id === me);
  if (OVER.includes(state) || removed) return leave();
  if (shown === "elsewhere" || isLeaving) return;
  // Whoever was held in the waiting room stays there; whoever was in the call sees that it pauses.
  // Nobody is seen or heard before they pressed the button, however early they are let in.
  const isIn = talking && chosen === "waiting" && (!isGuest || admitted);
  place("called").hidden = isGuest || chosen === "waiting" || !CALLED.includes(state);
  if (isIn) go("call");
  else if (state === "ready" || isGuest) go(state === "ready" && !isGuest ? "waiting" : chosen);
  else if (shown === "call") go("waiting");
  else if (shown !== "waiting" || chosen !== "waiting") go(chosen);
  hold(state === "on_hold" && talking); // who is held in the waiting room goes on with the check
  if (shown === "waiting" && ["scheduled", "waiting"].includes(state) && !isGuest) void sayReady().catch(() => undefined);
}

/** Tells the practice that the patient waits, and what the check found. Raises when it could not be told. */
async function sayReady() {
  if (isAsking) return;
  isAsking = true;
  await ask("ready", found()).finally(() => (isAsking = false));
}

/** @param {Step} step */
function go(step) {
  if (step === shown) return;
  const before = shown;
  shown = step;
  document.body.dataset.shown = step;
  for (const part of document.querySelectorAll("[data-step]")) part.toggleAttribute("hidden", part.getAttribute("data-step") !== step);
  if (before === "check") closeCheck();
  if (before === "waiting") closeWaiting();
  stayAwake(step === "waiting" || step === "call");
  document.title = step === "waiting" ? `${say("title_waiting")} · ${title}` : step === "call" ? `${say("title_call")} · ${title}` : title;
  scrollTo(0, 0);
  const heading = document.querySelector(`[data-step="${step}"] h1`);
  if (heading instanceof HTMLElement) heading.focus({ preventScroll: true });
  if (step === "check") void openCheck();
  if (step === "waiting") {
    openWaiting();
    void meet();
  }
  if (step === "call") {
    if (before === "waiting" || before === "check") {
      playBegin();
      announce(say("begins", { name: clinician }));
    }
    void meet();
  }
}

/** Opens the line, early: while the patient waits it can find its way through the networks. */
async function meet() {
  await turnOn();
  const { openCall } = await call().catch(() => {
    isIncomplete = true; // the network went before they came: once it is back, the page is loaded again
    return { openCall: null };
  });
  if (!openCall) return;
  const wasElsewhere = isOpenElsewhere();
  await openCall({ elsewhere, over: follow });
  lineIsOpen();
  if (!wasElsewhere) return;
  announce(say("took_over"));
  place("took-over").hidden = false;
}

/** Is another device of this patient in the call? A page that was loaded again in the same tab is none. */
function isOpenElsewhere() {
  const { me, participants } = now();
  const isFirst = !opened && !wasOpened(now().id);
  opened = true;
  return isFirst && participants.some((each) => each.id === me && each.here);
}

/** @param {string} id */
function wasOpened(id) {
  const before = inTab(OPENED, id);
  return before === id || before === undefined; // a private window without storage: better not to frighten
}

/**
 * What this tab kept under a name, which is then kept anew, or forgotten. undefined where there is no storage.
 * @param {string} name
 * @param {string} [value]
 */
function inTab(name, value) {
  try {
    const before = sessionStorage.getItem(name);
    if (value === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
    return before;
  } catch {
    return undefined;
  }
}

function elsewhere() {
  letGo();
  go("elsewhere");
}

/** To the page that says how it ended. */
function leave() {
  if (isLeaving) return;
  isLeaving = true;
  lineIsOpen();
  stayAwake(false);
  letGo();
  location.replace(base);
}

/** Did they come in before this page was loaded, here or, as a patient, on another device? */
function cameBefore() {
  const { id, state, came, talking } = now();
  const kept = inTab(CAME);
  if (isGuest || !came) return kept === id;
  return state === "ready" || talking || state === "on_hold";
}

function comeIn() {
  chosen = "waiting";
  inTab(CAME, now().id);
}

async function enterWaiting() {
  comeIn();
  try {
    await sayReady();
  } catch {
    announce(say("failed")); // the waiting room says that there is no connection, and asks again when there is
  }
  follow();
}

async function enterCheck() {
  chosen = "check";
  if (now().state === "ready") await ask("unready").catch(() => undefined);
  go("check");
}

function begin() {
  allowSound();
  if (!isGuest) void ask("started").catch(() => undefined);
}

press("begin", () => {
  begin();
  void enterCheck();
});
press("come-in", () => {
  begin();
  comeIn();
  follow();
});
press("end-yes", () => void inTab(CAME)); // a guest who leaves does so by loading the page again
press("use-this", () => location.reload());
startPreviews();
startCheck(enterWaiting, () => chosen === "waiting" && ["waiting", "ready"].includes(now().state) && void ask("ready", found()).catch(() => undefined));
startWaiting(enterCheck);
changes.addEventListener("change", follow);
changes.addEventListener("network", () => {
  if (isIncomplete && isReachable) location.reload();
  // What could not be asked for without a network is asked for now.
  if (isReachable) follow();
  if (isReachable && shown === "waiting") void measureLine();
});
addEventListener("pagehide", () => stayAwake(false));
addEventListener("pageshow", (event) => event.persisted && location.reload());
start();
if (cameBefore()) comeIn();
one("#begin", HTMLButtonElement).disabled = false;
void call().catch(() => undefined);
place("visit").dataset.ready = "";
follow();
if (!isGuest) void refresh();
