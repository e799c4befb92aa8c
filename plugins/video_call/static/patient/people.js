/** Who is seen: what is shared, else the clinician, on the whole screen; everybody else in small pictures. */
import { chosenSpeaker } from "./choices.js";
import { announce, one, place, say, tell } from "./parts.js";
import { clinician } from "./server.js";

/** @typedef {import("../line/room.js").Person} Person */
/** @typedef {{id: string, kind: "main" | "screen", figure: HTMLElement, video: HTMLVideoElement, stream: MediaStream}} Picture */

const box = place("pictures");
/** @type {Map<string, Picture>} */
const pictures = new Map();
/** @type {Map<string, Person>} */
let people = new Map();
/** @type {Set<HTMLVideoElement>} */
const blocked = new Set();

/**
 * Shows, or takes away, what somebody sends.
 * @param {string} id
 * @param {MediaStream | null} stream
 * @param {"main" | "screen"} kind
 */
export function show(id, stream, kind) {
  const key = `${id} ${kind}`;
  const known = pictures.get(key);
  if (!stream) {
    known?.figure.remove();
    pictures.delete(key);
    if (known) blocked.delete(known.video);
  } else {
    const picture = known ?? make(id, kind, stream);
    pictures.set(key, picture);
    picture.stream = stream;
    if (picture.video.srcObject !== stream) picture.video.srcObject = stream;
    if (chosenSpeaker() && "setSinkId" in picture.video) void picture.video.setSinkId(chosenSpeaker()).catch(() => undefined);
    for (const track of stream.getTracks()) for (const name of ["mute", "unmute", "ended"]) track.addEventListener(name, arrange);
    void play(picture.video);
  }
  arrange();
}

/**
 * Who is there now.
 * @param {Map<string, Person>} now
 */
export function know(now) {
  for (const [id, person] of now) if (person.here && people.has(id) && !people.get(id)?.here) announce(say("joined", { name: person.name }));
  for (const [id, person] of people) if (person.here && !now.get(id)?.here) announce(say("left", { name: person.name }));
  people = new Map(now);
  arrange();
}

/** The press that the browser waited for before it played anything. */
export function unblock() {
  for (const video of [...blocked]) {
    video.muted = false;
    if (chosenSpeaker() && "setSinkId" in video) void video.setSinkId(chosenSpeaker()).catch(() => undefined);
    void play(video);
  }
}

/** @param {HTMLVideoElement} video */
async function play(video) {
  try {
    await video.play();
    if (!video.muted) blocked.delete(video);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotAllowedError") await playSilently(video);
  }
  const was = place("blocked").hidden;
  place("blocked").hidden = !blocked.size;
  if (was && blocked.size) announce(say("tap_to_hear"));
}

/** Browsers play sound once the page was touched; a picture they play before. @param {HTMLVideoElement} video */
async function playSilently(video) {
  blocked.add(video);
  video.muted = true;
  await video.play().catch(() => undefined);
}

/**
 * @param {string} id
 * @param {"main" | "screen"} kind
 * @param {MediaStream} stream
 * @returns {Picture}
 */
function make(id, kind, stream) {
  const [figure, video, name] = [document.createElement("figure"), document.createElement("video"), document.createElement("figcaption")];
  video.autoplay = video.playsInline = true;
  figure.className = `vc-picture ${kind}`;
  figure.dataset.person = id;
  figure.append(video, name);
  box.append(figure);
  for (const event of ["loadeddata", "resize", "emptied"]) video.addEventListener(event, arrange);
  return { id, kind, figure, video, stream };
}

/** Where there is no picture, say so: a black screen frightens. */
function arrange() {
  const all = [...pictures.values()];
  const large = all.find(({ kind }) => kind === "screen") ?? all.find(({ id }) => people.get(id)?.role === "clinician") ?? all[0];
  for (const picture of all) {
    const person = people.get(picture.id);
    picture.figure.classList.toggle("large", picture === large);
    picture.figure.classList.toggle("blind", !hasPicture(picture));
    tell(one("figcaption", HTMLElement, picture.figure), picture.kind === "screen" ? (person ? say("shared_by", { name: person.name }) : say("shared_by_me")) : called(person));
  }
  const nobody = place("nobody");
  nobody.hidden = !!large && hasPicture(large);
  const name = large ? (people.get(large.id)?.name ?? clinician) : clinician;
  one("[data-text]", HTMLElement, nobody).textContent = say(large ? "no_picture" : "waits_for", { name });
}

/** A name; a guest's with what they are. @param {Person | undefined} person */
const called = (person) => (person?.as_what ? `${person.name} (${say(`as_${person.as_what}`)})` : (person?.name ?? ""));

/** @param {Picture} picture */
function hasPicture({ id, kind, stream, video }) {
  const isSent = kind === "screen" || people.get(id)?.state.camera !== false;
  return isSent && video.readyState >= 2 && stream.getVideoTracks().some((track) => track.readyState === "live" && !track.muted);
}
