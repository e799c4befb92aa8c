/** The patient's visit, from the guidance to the end: which part shows follows from the state of the call. */
import { stayAwake } from "./awake.js";
import { closeCheck, found, openCheck, startCheck } from "./check.js";
import { hold, letGo, turnOn } from "./devices.js";
import { announce, one, place, press, say } from "./parts.js";
import { startPreviews } from "./preview.js";
import { ask, base, changes, clinician, isGuest, isReachable, now, start } from "./server.js";
import { allowSound, playBegin } from "./sound.js";
import { closeWaiting, openWaiting, startWaiting } from "./waiting.js";

/** @typedef {"moment" | "guide" | "check" | "waiting" | "call" | "elsewhere"} Step */

const OVER = ["ended", "missed", "declined"];
const TALKING = ["admitted", "in_call", "on_hold"];
const OPENED = "video_call.opened";
const title = document.title;

/** @type {Step} */
let shown = "guide";
/** Where the patient is by their own will; the state of the call may take them further. @type {Step} */
let chosen = "guide";
let isLeaving = false;
let opened = false;
/** @type {Promise<typeof import("./call.js")> | undefined} */
let loading;

/** The call's own modules come once the page stands: what shows first must not wait for them. */
const call = () => (loading ??= import("./call.js"));
let isIncomplete = false;

function follow() {
  const { state, admitted, participants, me } = now();
  const removed = isGuest && me !== null && participants.length > 0 && !participants.some((each) => each.id === me);
  if (OVER.includes(state) || removed) return leave();
  if (shown === "elsewhere" || isLeaving) return;
  // Whoever was held in the waiting room stays there; whoever was in the call sees that it pauses.
  // Nobody is seen or heard before they pressed the button, however early they are let in.
  const isIn = TALKING.includes(state) && chosen === "waiting" && (!isGuest || admitted);
  place("called").hidden = isGuest || chosen === "waiting" || !TALKING.includes(state);
  if (isIn && !(state === "on_hold" && shown === "waiting")) go("call");
  else if (state === "ready" || isGuest) go(state === "ready" && !isGuest ? "waiting" : chosen);
  else if (shown === "call") go("waiting");
  else if (shown !== "waiting" || chosen !== "waiting") go(chosen);
  hold(state === "on_hold");
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
  try {
    const before = sessionStorage.getItem(OPENED);
    sessionStorage.setItem(OPENED, id);
    return before === id;
  } catch {
    return true; // a private window without storage: better not to frighten
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
  stayAwake(false);
  letGo();
  location.replace(base);
}

async function enterWaiting() {
  chosen = "waiting";
  try {
    await ask("ready", found());
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

press("begin", () => {
  allowSound();
  void enterCheck();
});
press("come-in", () => {
  allowSound();
  chosen = "waiting";
  follow();
});
press("use-this", () => location.reload());
startPreviews();
startCheck(enterWaiting);
startWaiting(enterCheck);
changes.addEventListener("change", follow);
changes.addEventListener("network", () => {
  if (isIncomplete && isReachable) location.reload();
  // What could not be asked for without a network is asked for now.
  if (chosen === "waiting" && now().state === "waiting") void ask("ready", found()).catch(() => undefined);
});
addEventListener("pagehide", () => stayAwake(false));
addEventListener("pageshow", (event) => event.persisted && location.reload());
start();
if (["ready", ...TALKING].includes(now().state) && !isGuest) chosen = "waiting";
one("#begin", HTMLButtonElement).disabled = false;
void call().catch(() => undefined);
place("visit").dataset.ready = "";
follow();
if (["scheduled", "invited"].includes(now().state) || now().me === null) void ask("arrive").catch(() => undefined);
