/**
 * A call as a page sees it: who is there, what they send, how the line is. The one module that pages use.
 *
 *   const room = await openRoom({ callId, local: { stream } });
 *   room.addEventListener("stream", ({ detail }) => { video.srcObject = detail.stream; });
 *
 * Events (detail): "state" {state}, "people" {people}, "stream" {person, stream, kind: "main" | "screen"}, "line" {line,
 * person}, "control" {from, kind, body}, "pointer" {from, on, x, y}, "stroke" {from, board, op, body, key}, "phone" {person}
 * (the line does not come back: offer the phone), "sharing" {sharing} (this page began or ended it), "own" {kind, track} (another
 * microphone or camera of this page), "taken_over", "over".
 *
 * @typedef {{muted: boolean, camera: boolean, sharing: boolean, hand: boolean, hidden: boolean}} PageState
 * @typedef {import("./signalling.js").Person & {state: PageState}} Person
 * @typedef {import("./signalling.js").View} View
 * @typedef {import("./peer.js").Slot} Slot
 */
import { Mesh } from "./mesh.js";
import { warmUp } from "./peer.js";
import { Signalling } from "./signalling.js";

const HERE_EVERY = 5_000;
const AFTERWARDS = 300; // what is not needed for the first picture waits until it may be there
const SENDING = new Set(["admitted", "in_call"]);
const OVER = new Set(["ended", "missed", "declined"]);
/** What a step, as the bus tells of it, leads to: so the page need not ask before it connects. @type {Record<string, string>} */
const LEADS_TO = { admit: "admitted", resume: "admitted" };

export class Room extends EventTarget {
  /** @param {string} callId @param {Record<string, boolean>} devices @param {string} [leaveUrl] */
  constructor(callId, devices, leaveUrl) {
    super();
    this.callId = callId;
    /** @type {View["me"] | null} */
    this.me = null;
    this.state = "";
    this.talking = false;
    this.preparing = false;
    /** @type {Map<string, Person>} */
    this.people = new Map();
    /** @type {PageState} */
    this.mine = { muted: false, camera: true, sharing: false, hand: false, hidden: document.hidden };
    /** @type {Record<Slot, MediaStreamTrack | null>} */
    this.tracks = { audio: null, video: null, screen: null };
    this.connected = false;
    this.looking = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.soon = undefined;
    this.signalling = new Signalling(callId, leaveUrl);
    this.signalling.devices = devices;
    this.mesh = new Mesh(this.signalling);
    /** @type {Map<string, {main: MediaStream, screen: MediaStream}>} */
    this.streams = new Map();
    /** What nobody may see yet. @type {Map<string, {main: MediaStream, screen: MediaStream}>} */
    this.early = new Map();
    this.hear();
  }

  get role() {
    return this.me?.role ?? null;
  }

  /** "connecting", "good", "weak", "reconnecting" or "lost": the worst of all connections. */
  get line() {
    return this.mesh.line;
  }

  hear() {
    const { signalling, mesh } = this;
    on(signalling, "entered", (view) => {
      this.stand(view);
      mesh.renew();
      this.tell("entered", {});
    });
    on(signalling, "viewed", ({ ice }) => (mesh.ice = ice));
    on(signalling, "changed", ({ type, by }) => void this.refresh(type, by));
    on(signalling, "person", (person) => this.meet(person));
    on(signalling, "here", ({ from, state }) => this.see(from, state));
    on(signalling, "signal", (signal) => mesh.signal(signal));
    on(signalling, "control", (said) => this.tell("control", said));
    on(signalling, "stroke", (said) => this.tell("stroke", said));
    on(signalling, "taken_over", () => this.leave("taken_over"));
    on(signalling, "over", () => this.leave("over"));
    on(signalling, "removed", () => this.leave("removed"));
    on(mesh, "stream", ({ person, stream, screen }) => this.show(person, stream, screen));
    on(mesh, "line", (said) => this.tell("line", said));
    on(mesh, "phone", (said) => this.tell("phone", said));
    on(mesh, "pointer", ({ person, ...said }) => this.tell("pointer", { ...said, from: person }));
    on(mesh, "stroke", ({ person, ...said }) => this.tell("stroke", { ...said, from: person }));
    on(mesh, "flowing", () => this.flows());
    on(mesh, "log", ({ kind, detail }) => void signalling.ask("line", { kind, detail }));
    this.beat = setInterval(() => this.sayHere(), HERE_EVERY);
    this.watch = () => {
      this.mine.hidden = document.hidden;
      this.sayHere();
    };
    document.addEventListener("visibilitychange", this.watch);
  }

  /** @param {View} view */
  stand(view) {
    this.me = view.me;
    this.mesh.ice = view.ice;
    this.preparing = view.preparing;
    const known = this.people;
    this.people = new Map(view.peers.map((person) => [person.id, { ...person, state: stateOf(known.get(person.id)) }]));
    this.move(view.state, view.talking);
    this.tell("people", { people: this.people });
    this.sayHereSoon();
  }

  /** @param {string} state @param {boolean} talking */
  move(state, talking) {
    const moved = state !== this.state;
    this.state = state;
    this.talking = talking;
    if (state !== "in_call" && state !== "admitted") this.connected = false;
    this.connect();
    if (moved) this.tell("state", { state });
    if (OVER.has(state)) this.leave("over");
  }

  connect() {
    if (!this.me) return;
    const people = [...this.people.values()];
    this.mesh.meet(this.me, this.talking ? people : people.filter(({ role }) => this.preparing && role !== "guest"), this.talking);
    void this.mesh.setTracks(SENDING.has(this.state) ? { ...this.tracks } : { audio: null, video: null, screen: null });
    if (this.talking) for (const [person, { main, screen }] of [...this.early]) this.show(person, main, screen);
  }

  /** @param {string} type the step that was taken @param {string} by who took it: ourselves, or somebody whom we know */
  async refresh(type, by) {
    const next = LEADS_TO[type];
    if (next && this.people.size && (by === this.me?.id || this.people.has(by))) {
      this.move(next, true);
      await new Promise((resolve) => setTimeout(resolve, AFTERWARDS));
    }
    void this.look();
  }

  /** How does it stand? What was asked before we were told something may be older than that, and is asked again. */
  async look() {
    if (this.looking) return;
    this.looking = true;
    const { signalling } = this;
    let told;
    do {
      told = signalling.told;
      const view = await signalling.look();
      if (view && told === signalling.told) this.stand(view);
    } while (told !== signalling.told);
    this.looking = false;
  }

  /** @param {import("./signalling.js").Person} person */
  meet(person) {
    this.people.set(person.id, { ...person, state: stateOf(this.people.get(person.id)) });
    this.connect();
    this.tell("people", { people: this.people });
    if (person.here) this.sayHereSoon();
  }

  /** @param {string} id @param {PageState} state */
  see(id, state) {
    const person = this.people.get(id);
    if (!person) return;
    const shared = person.state.sharing;
    const changed = !person.here || JSON.stringify(person.state) !== JSON.stringify(state);
    this.people.set(id, { ...person, here: true, state });
    if (!person.here) this.connect();
    if (changed) this.tell("people", { people: this.people });
    if (shared !== state.sharing) this.showScreen(id);
  }

  /** @param {string} person @param {MediaStream | null} main @param {MediaStream} screen */
  show(person, main, screen) {
    this.early.delete(person);
    if (main && !this.talking) {
      this.early.set(person, { main, screen });
      return;
    }
    const before = this.streams.get(person);
    if (main) this.streams.set(person, { main, screen });
    else this.streams.delete(person);
    if (before?.main === main) return;
    this.tell("stream", { person, stream: main, kind: "main" });
    this.showScreen(person);
  }

  /** @param {string} person */
  showScreen(person) {
    const shares = this.people.get(person)?.state.sharing;
    const stream = shares ? (this.streams.get(person)?.screen ?? null) : null;
    this.tell("stream", { person, stream, kind: "screen" });
  }

  flows() {
    if (this.connected || this.state !== "admitted") return;
    this.connected = true;
    void this.signalling.ask("flowing", {}).then((answer) => {
      if (!answer.ok) this.connected = false; // the next figures ask again
    });
  }

  /**
   * What is sent from now on, without a new negotiation; null: nothing.
   * @param {Slot} kind
   * @param {MediaStreamTrack | null} track
   */
  async setTrack(kind, track) {
    this.tracks[kind] = track;
    this.mine.sharing = this.tracks.screen !== null;
    if (kind === "screen") {
      this.tell("sharing", { sharing: this.mine.sharing });
      void this.control(track ? "share_started" : "share_stopped"); // what was drawn over the last picture goes
    } else {
      this.noteTracks();
      this.tell("own", { kind, track });
    }
    if (SENDING.has(this.state)) await this.mesh.setTracks({ ...this.tracks });
    this.sayHere();
  }

  /** The others see whether we are heard and seen: after ``track.enabled`` was changed, say so. */
  noteTracks() {
    // A phone call mutes a track without disabling it: the others are told the truth.
    const [sound, picture] = [this.tracks.audio, this.tracks.video];
    this.mine.muted = !sound?.enabled || sound.muted;
    this.mine.camera = Boolean(picture?.enabled && !picture.muted);
  }

  /** Tells the others at once. @param {Partial<PageState>} [changes] e.g. {hand: true} */
  note(changes = {}) {
    this.noteTracks();
    Object.assign(this.mine, changes);
    this.sayHere();
  }

  sayHereSoon() {
    this.soon ??= setTimeout(() => this.sayHere(), AFTERWARDS);
  }

  sayHere() {
    clearTimeout(this.soon);
    this.soon = undefined;
    if (!this.me) return;
    void this.signalling.ask("here", { client_id: this.signalling.clientId, state: this.mine });
  }

  /** At most so much for the picture that is sent; null: what the line bears. @param {number | null} kbps */
  limit(kbps) {
    return this.mesh.setLimit(kbps);
  }

  /** @param {string} kind @param {Record<string, unknown>} [body] @returns {Promise<import("careroom/bus").Answer>} */
  control(kind, body = {}) {
    return this.signalling.ask("control", { kind, body });
  }

  /** @param {{on: string, x: number, y: number}} where what is pointed at, and 0 to 1 in it */
  pointer(where) {
    this.mesh.say("pointer", where);
  }

  /**
   * To the others at once, and to the server, which keeps it and tells those whom it did not reach.
   * @param {{board: string, op: string, body: Record<string, unknown>, key: string}} stroke
   */
  stroke(stroke) {
    this.mesh.say("strokes", stroke);
    return this.signalling.ask("stroke", stroke);
  }

  /** What the server did not take is on no board. @param {{board: string, key: string}} said */
  retract({ board, key }) {
    this.mesh.say("strokes", { board, op: "retract", body: {}, key });
  }

  /** How the line to each person is: round trip in ms, loss in %, kbit/s and frames a second of their picture. */
  stats() {
    const links = [...this.mesh.links.values()];
    const { rtt = null, loss = null, kbps = null, fps = null, relay = false } = links[0]?.meter.last ?? {};
    const each = links.map((link) => ({ person: link.person.id, line: link.line, ...link.meter.last }));
    return { rtt, loss, kbps, fps, relay, each };
  }

  /** @param {"taken_over" | "over" | "removed"} why */
  leave(why) {
    if (!this.me && why === "over") return;
    this.end();
    this.tell(why, {});
  }

  close() {
    if (!this.signalling.closed) {
      void this.signalling.ask("leave", { client_id: this.signalling.clientId });
    }
    this.end();
  }

  end() {
    clearInterval(this.beat);
    clearTimeout(this.soon);
    if (this.watch) document.removeEventListener("visibilitychange", this.watch);
    this.mesh.end();
    this.signalling.close();
    this.me = null;
  }

  /** @param {string} name @param {unknown} detail */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/**
 * Takes part in a call, and goes on taking part until the room is closed or another page takes over. Answers once the
 * server has let this page in, or has said that it may not yet (``me`` is null then, and "state" tells when it may).
 * @param {{callId: string, local?: {stream: MediaStream | null}, devices?: Record<string, boolean>, leaveUrl?: string}} options
 * @returns {Promise<Room>}
 */
export async function openRoom({ callId, local, devices = {}, leaveUrl }) {
  const [audio, video] = [local?.stream?.getAudioTracks()[0], local?.stream?.getVideoTracks()[0]];
  const room = new Room(callId, { camera: Boolean(video), microphone: Boolean(audio), ...devices }, leaveUrl);
  room.tracks.audio = audio ?? null;
  room.tracks.video = video ?? null;
  room.noteTracks();
  void warmUp();
  await new Promise((resolve) => {
    for (const name of ["entered", "not_part", "taken_over", "over"]) {
      room.signalling.addEventListener(name, resolve, { once: true });
    }
    room.signalling.open();
  });
  return room;
}

/** @param {Person | undefined} person @returns {PageState} */
function stateOf(person) {
  return person?.state ?? { muted: false, camera: true, sharing: false, hand: false, hidden: false };
}

/** @param {EventTarget} target @param {string} name @param {(detail: any) => void} handler */
function on(target, name, handler) {
  target.addEventListener(name, (event) => handler(/** @type {CustomEvent} */ (event).detail));
}
