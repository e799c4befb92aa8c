/** The check: camera, microphone, sound and connection, each with its word, and with help where it does not work. */
import { chosenSpeaker, listChoices, startChoices } from "./choices.js";
import { devices, doWithout, how, isMirrored, local, track, tryAgain, turnOn } from "./devices.js";
import { levelOf } from "./level.js";
import { measure } from "./network.js";
import { announce, one, place, press, say, tell } from "./parts.js";
import { playTest } from "./sound.js";

/** @typedef {"wait" | "good" | "fair" | "bad" | "off"} Tone */

const HEARD = 0.06; // of full level: a quiet word, above a quiet room
const toWaiting = place("to-waiting");
const meter = one("[data-level]", HTMLElement);
const bar = one("[data-level] progress", HTMLProgressElement);
let isOpen = false;
let wasHeard = false;
/** @type {boolean | undefined} */
let canHear;
/** @type {Awaited<ReturnType<typeof measure>> | undefined} */
let quality;
/** @type {() => unknown} */
let told = () => undefined;
/** @type {(() => void) | undefined} */
let stopLevel;

/** What the check found, for the practice; what it has not looked at is left out. */
export const found = () => ({ camera: !!track("camera"), microphone: !!track("microphone"), speaker: canHear, line: quality });

/** @param {() => unknown} done what "Go to the waiting room" does @param {() => unknown} measured the line, once more */
export function startCheck(done, measured) {
  told = measured;
  devices.addEventListener("change", () => void show());
  press("to-waiting", () => {
    doWithout(...missing());
    void done();
  });
  press("retry", async () => {
    void measureLine();
    await tryAgain();
  });
  for (const id of ["play-sound", "play-again"]) press(id, play);
  press("heard", () => heard(true));
  press("not-heard", () => heard(false));
  const box = one('[data-step="check"]', HTMLElement);
  navigator.mediaDevices?.addEventListener?.("devicechange", () => isOpen && void listChoices(box));
  startChoices(box, (name) => {
    if (name !== "microphone") return;
    stopLevel?.();
    stopLevel = undefined;
  });
}

/** The check is on the screen. */
export async function openCheck() {
  isOpen = true;
  line("speaker", canHear ? "good" : "off", canHear ? say("speaker_good") : "");
  void measureLine();
  await turnOn();
  await listChoices(one('[data-step="check"]', HTMLElement));
}

export function closeCheck() {
  isOpen = false;
  stopLevel?.();
  stopLevel = undefined;
}

/** @returns {("camera" | "microphone")[]} */
function missing() {
  return /** @type {const} */ (["camera", "microphone"]).filter((kind) => !track(kind));
}

async function show() {
  if (!isOpen) return;
  for (const kind of /** @type {const} */ (["camera", "microphone"])) {
    const why = how[kind];
    const isFine = why === "good";
    if (kind === "microphone" && isFine) line(kind, wasHeard ? "good" : "wait", say(wasHeard ? "microphone_good" : "microphone_listening"));
    else if (why === "in_app" || why === "insecure") line(kind, "bad", say(why), why);
    else line(kind, isFine ? "good" : why === "wait" ? "wait" : why === "chosen_off" ? "off" : "bad", say(`${kind}_${why}`), why);
  }
  meter.hidden = !track("microphone");
  if (!stopLevel && track("microphone") && local.stream) {
    stopLevel = levelOf(local.stream, listen);
  }
  const [isWaiting, lacks] = [how.camera === "wait" || how.microphone === "wait", missing()];
  place("retry-place").hidden = isWaiting || !lacks.length;
  const words = one("span", HTMLElement, toWaiting);
  toWaiting.dataset.words ??= words.textContent ?? "";
  words.textContent = !lacks.length || isWaiting ? toWaiting.dataset.words : say(`without_${lacks.length > 1 ? "both" : lacks[0]}`);
  toWaiting.toggleAttribute("disabled", isWaiting);
  for (const preview of document.querySelectorAll("[data-preview]")) preview.classList.toggle("mirrored", isMirrored());
}

/** @param {number} level from 0 to 1 */
function listen(level) {
  bar.value = Math.min(100, Math.sqrt(level) * 120);
  if (level < HEARD || wasHeard) return;
  wasHeard = true;
  line("microphone", "good", say("microphone_good"));
  announce(say("microphone_good"));
}

export async function measureLine() {
  line("network", "wait", say("network_wait"));
  quality = await measure();
  told();
  line("network", quality === "good" ? "good" : quality === "fair" ? "fair" : "bad", say(`network_${quality}`));
}

async function play() {
  await playTest(chosenSpeaker() || undefined);
  one("[data-speaker-first]", HTMLElement).hidden = true;
  one("[data-speaker-answer]", HTMLElement).hidden = false;
  line("speaker", "wait", say("speaker_ask"));
  place("heard").focus();
}

/** @param {boolean} is */
function heard(is) {
  canHear = is;
  if (is) {
    one("[data-speaker-answer]", HTMLElement).hidden = true;
    one("[data-speaker-first]", HTMLElement).hidden = false;
  }
  line("speaker", is ? "good" : "bad", is ? say("speaker_good") : say("speaker_ask"), is ? "" : "speaker");
}

/**
 * @param {string} name
 * @param {Tone} tone
 * @param {string} words
 * @param {string} [fault] what to help with
 */
function line(name, tone, words, fault = "") {
  const row = one(`[data-check="${name}"]`, HTMLElement);
  const shown = one("[data-word]", HTMLElement, row);
  if (row.dataset.tone !== tone && tone === "bad") announce(words);
  row.dataset.tone = tone;
  tell(shown, words);
  const [help, wanted] = [one("[data-help]", HTMLElement, row), tone === "bad" ? fault : ""];
  if (!wanted && help.hidden && !row.dataset.helped) return;
  row.dataset.helped = wanted; // most people need none: it comes when somebody does
  void import("./help.js").then(({ showHelp }) => row.dataset.helped === wanted && showHelp(help, wanted, name)).catch(() => undefined);
}
