/**
 * The media seam: everybody connected to everybody, for up to four. What room.js needs of it is what a server that
 * forwards media (an SFU such as LiveKit) would have to offer in its place: meet, signal, setTracks, say, stats, end, and
 * the events "stream", "line", "flowing", "pointer", "stroke", "phone", "log".
 *
 * @typedef {import("./signalling.js").Person} Person
 * @typedef {import("./signalling.js").View} View
 */
import { isLive } from "careroom/bus";
import { Link } from "./link.js";

const TICK = 250;
const ALIVE_WITHIN = 1_000;
/** @type {Record<string, number>} */
const RANK = { patient: 0, guest: 1, clinician: 2 };
const WORST = /** @type {const} */ (["good", "weak", "connecting", "reconnecting", "lost"]);

export class Mesh extends EventTarget {
  /** @param {import("./signalling.js").Signalling} signalling */
  constructor(signalling) {
    super();
    this.signalling = signalling;
    /** @type {Map<string, Link>} */
    this.links = new Map();
    /** @type {View["me"] | null} */
    this.me = null;
    /** @type {import("./signalling.js").Ice} */
    this.ice = { servers: [], relay: false, expires_at: null };
    /** @type {Record<import("./peer.js").Slot, MediaStreamTrack | null>} */
    this.tracks = { audio: null, video: null, screen: null };
    /** @type {number | null} kbit/s of the picture that is sent */
    this.limit = null;
    this.checking = false;
    this.talking = false;
    /** Which generation two pages came to, who do not meet just now. @type {Map<string, number>} */
    this.met = new Map();
    this.timer = setInterval(() => this.tick(), TICK);
  }

  /**
   * Connects to these people and to nobody else.
   * @param {View["me"]} me @param {Iterable<Person>} people
   * @param {boolean} talking false: connections are got ready, nothing is sent and no address told
   */
  meet(me, people, talking) {
    this.me = me;
    const begins = talking && !this.talking;
    this.talking = talking;
    const wanted = new Set();
    for (const person of people) {
      wanted.add(person.id);
      const link = this.links.get(person.id);
      if (link) {
        if (begins) link.begin();
        link.update(person);
      } else {
        const last = this.met.get(`${person.client_id}`) ?? 0;
        const made = new Link(person, this.isPolite(me, person), this.surroundings(), last);
        this.links.set(person.id, made);
        made.start();
      }
    }
    for (const [id, link] of this.links) {
      if (!wanted.has(id)) {
        this.met.set(`${link.client}`, link.peer.generation);
        link.end();
        this.links.delete(id);
        this.tell("stream", { person: id, stream: null, kind: "main" });
      }
    }
  }

  /** @param {View["me"]} me @param {Person} person */
  isPolite(me, person) {
    const [mine, theirs] = [RANK[me.role] ?? 0, RANK[person.role] ?? 0];
    return mine === theirs ? me.id < person.id : mine < theirs;
  }

  /** @returns {import("./link.js").Surroundings} */
  surroundings() {
    return {
      talking: () => this.talking,
      ice: () => this.ice,
      isLive: () => isLive() && this.signalling.entered && !this.checking,
      check: () => void this.check(),
      tracks: () => this.tracks,
      limit: () => this.limit,
      post: (signal) => this.signalling.post(signal),
      drop: (to, generation) => this.signalling.drop(to, generation),
      tell: (what, link, said) => this.heard(what, link, said),
    };
  }

  /** @param {string} what @param {Link} link @param {any} said */
  heard(what, link, said) {
    const person = link.person.id;
    if (what === "streams") {
      const { main, screen } = link.peer;
      this.tell("stream", { person, stream: main, screen });
    } else if (what === "line") this.tell("line", { person, line: link.line });
    else this.tell(what, { person, ...said });
  }

  /** @returns {import("./link.js").LineState} the worst of all */
  get line() {
    const lines = [...this.links.values()].map((link) => WORST.indexOf(link.line));
    return WORST[Math.max(0, ...lines)] ?? "good";
  }

  async check() {
    if (this.checking) return;
    this.checking = true;
    await this.signalling.check(ALIVE_WITHIN).catch(() => false);
    this.checking = false;
  }

  /** @param {import("./signalling.js").Signal} signal */
  signal(signal) {
    this.links.get(signal.from)?.take(signal);
  }

  /** The line to the server was away. */
  renew() {
    for (const link of this.links.values()) link.renew();
  }

  /** @param {Record<import("./peer.js").Slot, MediaStreamTrack | null>} tracks */
  setTracks(tracks) {
    this.tracks = tracks;
    return Promise.all([...this.links.values()].map((link) => link.peer.send()));
  }

  /** @param {number | null} kbps */
  setLimit(kbps) {
    this.limit = kbps;
    return Promise.all([...this.links.values()].map((link) => link.peer.bound()));
  }

  /** To everybody, past the server. @param {"pointer" | "strokes"} channel @param {unknown} said */
  say(channel, said) {
    for (const link of this.links.values()) link.peer.say(link.peer[channel], said);
  }

  tick() {
    for (const link of this.links.values()) void link.tick().catch(() => undefined);
  }

  end() {
    clearInterval(this.timer);
    for (const link of this.links.values()) link.end();
    this.links.clear();
  }

  /** @param {string} name @param {unknown} detail */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
