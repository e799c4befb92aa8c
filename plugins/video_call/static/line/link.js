/**
 * One other person in the call: the connection to their page, and what is done when it breaks.
 *
 * @typedef {import("./signalling.js").Person} Person
 * @typedef {import("./signalling.js").Signal} Signal
 * @typedef {"connecting" | "good" | "weak" | "reconnecting" | "lost"} LineState
 * @typedef {{talking: () => boolean, ice: () => import("./signalling.js").Ice, isLive: () => boolean, check: () => void,
 *   tracks: () => Record<import("./peer.js").Slot, MediaStreamTrack | null>, limit: () => number | null,
 *   post: (signal: Omit<import("./signalling.js").Outgoing, "number">) => void,
 *   drop: (to: string, generation: number) => void,
 *   tell: (what: "streams" | "line" | "flowing" | "pointer" | "stroke" | "phone" | "log", link: Link, said?: any) => void}} Surroundings
 */
import { Ladder } from "./ladder.js";
import { Meter } from "./meter.js";
import { Peer } from "./peer.js";

const SAME_WITHIN = 2_000; // both sides notice a loss at about the same time
const QUALITY_EVERY = 30_000;
const READ_EVERY = 400;
const SHORTEN_AFTER = 3_000;

export class Link {
  /** @param {Person} person @param {boolean} polite @param {Surroundings} around @param {number} [last] generation of these pages */
  constructor(person, polite, around, last = 0) {
    this.person = person;
    this.polite = polite;
    this.around = around;
    this.client = person.client_id;
    /** Pages that spoke for them before: what they said may still arrive. @type {Set<string>} */
    this.former = new Set();
    /** @type {LineState} */
    this.line = "connecting";
    this.flows = false;
    this.last = last;
    this.early = !around.talking();
    this.meter = new Meter();
    this.ladder = new Ladder(performance.now());
    this.since = performance.now();
    this.changedAt = 0;
    this.readAt = 0;
    this.qualityAt = 0;
    this.peer = new Peer({
      polite,
      talking: around.talking,
      ice: around.ice,
      tracks: around.tracks,
      limit: around.limit,
      post: (kind, body, generation) => this.post(kind, body, generation),
      pointer: (said) => around.tell("pointer", this, said),
      stroke: (said) => around.tell("stroke", this, said),
      alive: () => this.alive(),
      changed: () => around.tell("streams", this),
    });
  }

  /** Begins, on the side that makes connections. */
  start() {
    if (this.peer.pc || this.polite || !this.client || !this.person.here) return;
    this.build(this.last + 1, false);
  }

  /** Both may talk now: what was got ready is used, unless it broke meanwhile. */
  begin() {
    this.since = performance.now();
    this.ladder.begin(this.since);
    const state = this.peer.pc?.connectionState;
    if (state === "failed" || state === "disconnected") this.rebuild(false);
    else this.peer.release();
  }

  /** The page was away while it waited: what was got ready may lead to nowhere. */
  renew() {
    if (!this.around.talking() && this.peer.pc && performance.now() - this.changedAt > SAME_WITHIN) this.rebuild(false);
  }

  /** @param {number} generation @param {boolean} relay */
  build(generation, relay) {
    const again = this.peer.generation > 0;
    this.changedAt = performance.now();
    this.meter = new Meter();
    this.around.drop(this.person.id, generation);
    this.peer.build(generation, relay);
    if (!again) {
      this.since = performance.now();
      this.ladder.begin(this.since);
    }
    this.around.tell("streams", this);
  }

  /** What is known of the person has changed; another page may speak for them now. @param {Person} person */
  update(person) {
    this.person = person;
    if (person.client_id !== this.client) this.meet(person.client_id);
    else if (!person.here && !this.peer.pc) return;
    this.start();
  }

  /** @param {string | null} client */
  meet(client) {
    if (this.client) this.former.add(this.client);
    if (client) this.former.delete(client);
    this.client = client;
    this.peer.end();
    this.peer.generation = this.last = 0;
    this.flows = false;
    this.ladder.begin(performance.now());
    this.become("connecting");
    this.around.tell("streams", this);
  }

  /** @param {import("./peer.js").Kind} kind @param {import("./peer.js").Body} body @param {number} generation */
  post(kind, body, generation) {
    if (!this.client) return;
    const said = kind === "description" && this.peer.relay ? { ...body, relay: true } : body;
    this.around.post({ to: this.person.id, to_client: this.client, generation, kind, body: said });
  }

  /** @param {Signal} signal */
  take(signal) {
    if (this.former.has(signal.client_id)) return;
    if (signal.client_id !== this.client) {
      this.meet(signal.client_id); // the server has seen to it that this is their page now
      this.person = { ...this.person, client_id: signal.client_id, here: true };
      this.start();
    }
    const recent = performance.now() - this.changedAt < SAME_WITHIN;
    if (signal.kind === "bye") this.peer.end();
    else if (signal.kind === "restart" && !this.polite) {
      if (!recent) this.restart();
    } else if (signal.kind === "rebuild" && !this.polite) {
      if (!recent || signal.body.relay) this.rebuild(Boolean(signal.body.relay));
    } else {
      const { generation, kind, body } = signal;
      const offer = kind === "description" && body.description?.type === "offer";
      if (this.polite && offer && generation > this.peer.generation) this.build(generation, Boolean(body.relay));
      void this.peer.take(signal);
    }
  }

  restart() {
    this.changedAt = performance.now();
    if (this.polite) this.post("restart", {}, this.peer.generation);
    else this.peer.restart();
  }

  /** @param {boolean} relay */
  rebuild(relay) {
    if (this.polite) this.post("rebuild", { relay }, this.peer.generation);
    else this.build(this.peer.generation + 1, relay);
  }

  alive() {
    if (!this.around.talking()) return;
    const now = performance.now();
    const lost = this.ladder.alive(now);
    if (!this.flows) {
      this.flows = true;
      this.log("connected", { ms: Math.round(now - this.since), generation: this.peer.generation });
    } else if (lost !== null) this.log("recovered", { ms: Math.round(lost), generation: this.peer.generation });
    this.become(this.meter.weak ? "weak" : "good");
  }

  /** @param {string} kind @param {Record<string, unknown>} detail */
  log(kind, detail = {}) {
    this.around.tell("log", this, { kind, detail });
  }

  /** @param {LineState} line */
  become(line) {
    if (this.line === line) return;
    this.line = line;
    this.around.tell("line", this);
  }

  /** From time to time: does anything arrive, and what to do if not. */
  async tick() {
    if (!this.around.talking()) return;
    const { pc } = this.peer;
    const now = performance.now();
    this.shorten(now);
    if (pc && now - this.readAt >= READ_EVERY) {
      this.readAt = now;
      const before = this.meter.last;
      const meter = this.meter;
      const figures = await meter.read(pc, now);
      if (this.meter !== meter) return;
      if (figures.bytes > before.bytes) this.alive();
      if (figures.frames > before.frames || figures.bytes > before.bytes) this.around.tell("flowing", this);
      if (this.flows && now - this.qualityAt >= QUALITY_EVERY && figures.kbps !== null) this.quality(now);
    }
    if (!this.person.here || (!pc && !this.flows && !this.polite)) return;
    this.climb(performance.now(), pc?.connectionState === "failed");
  }

  /** What was got ready went through the relay: is there a straight way? @param {number} now */
  shorten(now) {
    if (!this.early || now - this.since < SHORTEN_AFTER) return;
    this.early = false;
    if (!this.polite && this.meter.last.relay && !this.peer.relay) this.peer.restart();
  }

  /** @param {number} now */
  quality(now) {
    this.qualityAt = now;
    const { rtt, loss, kbps, fps, relay } = this.meter.last;
    const known = Object.entries({ rtt, loss, kbps, fps }).filter(([, value]) => value !== null);
    this.log("quality", { ...Object.fromEntries(known), relay });
  }

  /** @param {number} now @param {boolean} failed */
  climb(now, failed) {
    const before = this.ladder.stalled;
    const answered = this.peer.pc?.signalingState !== "have-local-offer";
    for (const rung of this.ladder.tick(now, this.around.isLive(), failed, answered)) {
      if (rung === "check") this.around.check();
      else if (rung === "restart") this.step("restarted", () => this.restart());
      else if (rung === "rebuild") this.step("rebuilt", () => this.rebuild(false));
      else if (rung === "relay") this.step("relayed", () => this.rebuild(true));
      else {
        this.log("lost");
        this.become("lost");
        this.around.tell("phone", this);
      }
    }
    if (!before && this.ladder.stalled) {
      if (this.flows) {
        this.log("stalled");
        this.become("reconnecting");
      }
    }
  }

  /** @param {string} kind @param {() => void} act */
  step(kind, act) {
    act();
    this.log(kind, { generation: this.peer.generation });
  }

  end() {
    if (this.peer.pc) this.post("bye", {}, this.peer.generation);
    this.peer.end();
  }
}
