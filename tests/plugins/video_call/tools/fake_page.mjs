/**
 * A page for the scripts of the tools without a browser: elements that are there as soon as they are asked for, a server
 * that the test answers for, a clock that the test moves. Only as much as those scripts touch.
 */
export class Element extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { dataset: {}, attributes: new Map(), children: [], hidden: false, disabled: false, inert: false, open: false, textContent: "", value: "" });
    this.style = { setProperty() {} };
    this.parts = new Map();
    this.ownerDocument = { body: { append: (made) => (this.appended = made) } };
  }
  querySelector(selector) {
    if (!this.parts.has(selector)) this.parts.set(selector, new Element());
    return this.parts.get(selector);
  }
  querySelectorAll(selector) {
    if (selector !== "button") return [];
    return ["yes", "no"].map((value) => Object.assign(this.querySelector(`button ${value}`), { value }));
  }
  cloneNode() {
    return (made[this.name] = Object.assign(new Element(), { name: this.name }));
  }
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  toggleAttribute(name, on) {
    on ? this.attributes.set(name, "") : this.attributes.delete(name);
  }
  append(...added) {
    this.children.push(...added);
  }
  replaceChildren(...added) {
    this.children = added;
  }
  remove() {
    this.gone = true;
  }
  click() {
    if (!this.disabled) this.dispatchEvent(new Event("click"));
  }
  focus() {
    focused.on = this;
  }
  showModal() {
    this.open = true;
  }
  close() {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  }
  scrollIntoView() {}
}

/** What the scripts made from templates, the last of each name. */
export const made = {};
export const focused = { on: null };
/** What the host was told. */
export const told = [];
/** What the server was asked: [method, path, headers, size]. */
export const asked = [];
/** Answers of the server by the beginning of a path; a function may be asked each time. */
export const answers = {};

const names = ["Element", "Button", "Input", "TextArea", "OList", "Video", "Canvas", "Image", "Anchor", "Time", "Dialog", "Form", "Output", "Span"];
for (const name of names) globalThis[`HTML${name === "Element" ? "" : name}Element`] = Element;
globalThis.HTMLTemplateElement = Element;
globalThis.window = globalThis;
globalThis.matchMedia = () => ({ matches: false });
globalThis.document = Object.assign(new EventTarget(), {
  getElementById: () => null,
  createElement: () => new Element(),
  querySelector: (selector) => {
    const name = /data-ct="([^"]+)"/.exec(selector)?.[1];
    return name ? Object.assign(new Element(), { content: { firstElementChild: Object.assign(new Element(), { name }) } }) : null;
  },
});
globalThis.fetch = async (url, { method, headers, body }) => {
  asked.push([method, url, headers, body?.size ?? 0]);
  const found = Object.keys(answers).filter((path) => url.startsWith(path)).sort((a, b) => b.length - a.length)[0];
  const answer = found === undefined ? {} : typeof answers[found] === "function" ? await answers[found](url, body) : answers[found];
  return { ok: !answer.error, json: async () => answer };
};

export class MediaStream {
  constructor(tracks = []) {
    this.tracks = tracks;
  }
  getTracks() {
    return this.tracks;
  }
  addTrack(track) {
    this.tracks.push(track);
  }
  removeTrack(track) {
    this.tracks = this.tracks.filter((one) => one !== track);
  }
  getAudioTracks() {
    return this.tracks.filter(({ kind }) => kind === "audio");
  }
  getVideoTracks() {
    return this.tracks.filter(({ kind }) => kind === "video");
  }
}
globalThis.MediaStream = MediaStream;
/** The tracks that are mixed now. */
export const mixed = new Set();
globalThis.AudioContext = class {
  createMediaStreamSource({ tracks: [track] }) {
    return { connect: () => mixed.add(track), disconnect: () => mixed.delete(track) };
  }
  createMediaStreamDestination() {
    return { stream: new MediaStream() };
  }
  resume() {}
  close() {}
};
/** Every recorder that was made. */
export const recorders = Object.assign([], { types: /^(audio|video).webm/ });
globalThis.MediaRecorder = class extends EventTarget {
  static isTypeSupported(type) {
    return recorders.types.test(type);
  }
  constructor() {
    super();
    this.state = "inactive";
    recorders.push(this);
  }
  start() {
    this.state = "recording";
  }
  pause() {
    this.state = "paused";
  }
  resume() {
    this.state = "recording";
  }
  requestData() {
    this.give(10);
  }
  stop() {
    this.give(10);
    this.state = "inactive";
    this.dispatchEvent(new Event("stop"));
  }
  give(size) {
    this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob(["x".repeat(size)]) }));
  }
};

export const host = {
  bar: new Element(), side: new Element(), stage: new Element(),
  patientPicture: () => undefined, screen: () => undefined,
  announce: (words) => told.push(words), note: (words) => told.push(words),
};

/** A room with a patient in it, as ``room.js`` makes one. */
export function room(role = "clinician") {
  const people = new Map([["p", { id: "p", role: "patient", state: {} }], ["c", { id: "c", role: "clinician", state: {} }]]);
  return Object.assign(new EventTarget(), {
    me: { id: role[0], role }, people, state: "in_call", tracks: { audio: null, video: null, screen: null },
    streams: new Map([["p", { main: new MediaStream() }]]), signalling: { clientId: "this-page" },
    control: async () => ({ ok: true }), stroke: async () => ({ ok: true }), pointer() {}, retract() {},
    tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    },
  });
}

export function facts(role, more = {}) {
  const words = new Proxy({}, { get: (_all, key) => String(key) });
  const recording = { what: "audio", warning: "" };
  return { role, base: "/", call: "1", client: "this-page", may_draw: true, patient_may_draw: true, board: null, shown: null, recording, words, ...more };
}

/** Lets everything that waits for nothing but answers happen. */
export async function settle(milliseconds = 0) {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  if (milliseconds) await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
