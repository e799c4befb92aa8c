/** How the connection is, in a few words at the top and in a sentence over the picture. */
import { name, part, root } from "./page.js";
import { say } from "./words.js";

/** @typedef {"none" | "connecting" | "good" | "weak" | "reconnecting" | "lost"} Quality */

const caption = part("[data-caption]", HTMLElement, root);
const sign = part("[data-line]", HTMLElement, root);
const words = part("[data-line-words]", HTMLElement, root);
const GOOD_FOR = 3_000;

let wanted = true;
let sentence = "";
/** @type {number | undefined} */
let timer;

/** @param {boolean} on does the clinician want sentences? What cannot be missed is said all the same. */
export function captions(on) {
  wanted = on;
  draw();
}

/**
 * @param {{phase: string, here: boolean, line: Quality}} now
 */
export function showLine({ phase, here, line }) {
  const quality = phase === "call" && here ? line : "none";
  const shown = quality === "connecting" ? "none" : quality;
  sign.dataset.quality = shown;
  write(words, shown === "none" ? "" : say(`line_${shown}`));
  clearTimeout(timer);
  sentence = phase !== "call" ? say("preparing") : !here ? say("not_here", { name }) : sentenceOf(line);
  if (phase === "call" && here && line === "good") {
    timer = setTimeout(() => {
      sentence = "";
      draw();
    }, GOOD_FOR);
  }
  draw();
}

/** @param {Quality} line */
function sentenceOf(line) {
  if (line === "good") return say("connected", { name });
  if (line === "none" || line === "connecting") return say("connecting", { name });
  return say(`caption_${line}`, { name });
}

function draw() {
  const urgent = sign.dataset.quality === "lost" || sign.dataset.quality === "reconnecting";
  write(caption, wanted || urgent ? sentence : "");
}

/** A live region is read again when it is written again. @param {HTMLElement} place @param {string} text */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
