/** Who is seen: the clinician on the whole screen, others in small pictures. */
import { place, say, tell, announce } from "./parts.js";
import { clinician } from "./server.js";

/** @typedef {import("../line/room.js").Person} Person */

const main = /** @type {HTMLVideoElement} */ (place("main-picture"));
const others = place("others");
/** @type {Map<string, {person: Person, stream: MediaStream, video: HTMLVideoElement}>} */
const seen = new Map();
/** @type {Set<HTMLVideoElement>} */
const blocked = new Set();

showNobody();

/**
 * Shows somebody's stream: the clinician's large, everybody else's small.
 * @param {Person} person
 * @param {MediaStream} stream
 * @param {string} speaker
 */
export function show(person, stream, speaker) {
  const known = seen.get(person.id);
  if (!known && person.role !== "clinician") announce(say("joined", { name: person.name }));
  const video = person.role === "clinician" ? main : (known?.video ?? small(person));
  seen.set(person.id, { person, stream, video });
  if (video.srcObject !== stream) video.srcObject = stream;
  if (speaker && "setSinkId" in video) void video.setSinkId(speaker).catch(() => undefined);
  for (const track of stream.getTracks()) for (const name of ["mute", "unmute", "ended"]) track.addEventListener(name, showNobody);
  for (const name of ["addtrack", "removetrack"]) stream.addEventListener(name, showNobody);
  for (const name of ["loadeddata", "resize", "emptied"]) video.addEventListener(name, showNobody);
  void play(video);
  if (video === main) tell(place("main-name"), person.name);
  showNobody();
}

/**
 * Takes away the pictures of those who left.
 * @param {Map<string, Person>} people
 */
export function forget(people) {
  for (const [id, { person, video }] of seen) {
    if (people.has(id)) continue;
    seen.delete(id);
    announce(say("left", { name: person.name }));
    if (video === main) main.srcObject = null;
    else video.closest("li")?.remove();
  }
  showNobody();
}

/** The press that the browser waited for before it played anything. */
export function unblock() {
  for (const video of blocked) void play(video);
}

/** @param {HTMLVideoElement} video */
async function play(video) {
  try {
    await video.play();
    blocked.delete(video);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotAllowedError") blocked.add(video);
  }
  place("blocked").hidden = !blocked.size;
}

/** @param {Person} person */
function small(person) {
  const [item, video, name] = [document.createElement("li"), document.createElement("video"), document.createElement("p")];
  video.autoplay = video.playsInline = true;
  name.textContent = person.name;
  item.append(video, name);
  others.append(item);
  return video;
}

/** Where there is no picture, say so: a black screen frightens. */
function showNobody() {
  const shown = [...seen.values()].find(({ video }) => video === main);
  const hasPicture = !!shown?.stream.getVideoTracks().some((track) => track.readyState === "live" && !track.muted) && main.readyState >= 2;
  const box = place("nobody");
  box.hidden = hasPicture;
  const words = box.querySelector("[data-text]");
  if (words) words.textContent = say(shown ? "no_picture" : "waits_for", { name: shown?.person.name ?? clinician });
}
