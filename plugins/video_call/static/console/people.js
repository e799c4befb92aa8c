/** Those who are seen and heard: the patient large, guests beside them; and who has the microphone or the camera off. */
import { part, root } from "./page.js";
import { announce, say } from "./words.js";

/** @typedef {import("../line/room.js").Person} Person */

const place = part("[data-people]", HTMLElement, root);
const template = part("template[data-person]", HTMLTemplateElement);
/** @type {Map<string, HTMLElement>} */
const shown = new Map();
let speaker = "";

/** @returns {HTMLVideoElement | undefined} the patient's picture; where there is none, anybody's */
export function mainVideo() {
  const found = place.querySelector('[data-role="patient"] video') ?? place.querySelector("video");
  return found instanceof HTMLVideoElement ? found : undefined;
}

/** @param {Person} person @param {MediaStream} stream @param {() => void} silent called when the browser plays no sound yet */
export function show(person, stream, silent) {
  const figure = shown.get(person.id) ?? add(person);
  const video = part("video", HTMLVideoElement, figure);
  if (video.srcObject !== stream) video.srcObject = stream;
  void hearThrough(video);
  const look = () => showPicture(figure, stream);
  for (const track of stream.getTracks()) for (const name of ["mute", "unmute", "ended"]) track.addEventListener(name, look);
  for (const name of ["addtrack", "removetrack"]) stream.addEventListener(name, look);
  look();
  video.play().catch((/** @type {unknown} */ error) => {
    if (!(error instanceof DOMException && error.name === "NotAllowedError")) return;
    video.muted = true; // a picture is played before the page was touched
    void video.play().catch(() => undefined);
    silent();
  });
}

/** Plays what the browser held back. */
export function playAll() {
  for (const figure of shown.values()) {
    const video = part("video", HTMLVideoElement, figure);
    video.muted = false;
    void hearThrough(video);
    void video.play().catch(() => undefined);
  }
}

/** @param {Iterable<Person>} people who take part now */
export function keep(people) {
  const here = new Map([...people].map((person) => [person.id, person]));
  for (const [id, figure] of shown) {
    const person = here.get(id);
    if (!person) {
      figure.remove();
      shown.delete(id);
      continue;
    }
    part("[data-person-muted]", HTMLElement, figure).hidden = !person.state.muted;
    figure.toggleAttribute("data-camera-off", !person.state.camera);
    const video = part("video", HTMLVideoElement, figure);
    if (video.srcObject instanceof MediaStream) showPicture(figure, video.srcObject);
  }
}

/** @param {string} id a device's */
export function useSpeaker(id) {
  speaker = id;
  for (const figure of shown.values()) void hearThrough(part("video", HTMLVideoElement, figure));
}

/** @param {Person} person */
function add(person) {
  const figure = /** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild;
  if (!(figure instanceof HTMLElement)) throw new Error("the template of a person is empty");
  figure.dataset.role = person.role;
  figure.dataset.person = person.id;
  part("[data-person-name]", HTMLElement, figure).textContent = person.name;
  part("[data-person-role]", HTMLElement, figure).textContent = person.as_what ? say(`as_${person.as_what}`) : "";
  place.append(figure);
  shown.set(person.id, figure);
  announce(say("connected", { name: person.name }));
  return figure;
}

/** @param {HTMLElement} figure @param {MediaStream} stream */
function showPicture(figure, stream) {
  const seen = stream.getVideoTracks().some((one) => one.readyState === "live" && !one.muted) && !figure.hasAttribute("data-camera-off");
  part("[data-person-off]", HTMLElement, figure).hidden = seen;
}

/** @param {HTMLVideoElement} video */
async function hearThrough(video) {
  if (speaker && "setSinkId" in video) await video.setSinkId(speaker).catch(() => undefined);
}
