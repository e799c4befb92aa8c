/**
 * What a page of a call and the server say to each other, and signals between pages. Signals that cannot be sent wait
 * and go out in order once the line is back; those that come twice are taken once.
 *
 * @typedef {{id: string, role: "clinician" | "patient" | "guest", name: string, as_what: string | null,
 *   client_id: string | null, generation: number, here: boolean, devices: Record<string, boolean>}} Person
 * @typedef {{servers: RTCIceServer[], relay: boolean, expires_at: number | null}} Ice
 * @typedef {{me: {id: string, role: Person["role"], name: string}, state: string, talking: boolean, preparing: boolean,
 *   generation: number, peers: Person[], ice: Ice, mailbox?: Signal[]}} View
 * @typedef {"description" | "candidate" | "restart" | "rebuild" | "bye"} Kind
 * @typedef {{description?: RTCSessionDescriptionInit, candidates?: RTCIceCandidateInit[], relay?: boolean}} Body
 * @typedef {{id: string, from: string, client_id: string, to_client: string, generation: number, number: number,
 *   kind: Kind, body: Body}} Signal
 * @typedef {{to: string, to_client: string, generation: number, number: number, kind: Kind, body: Body}} Outgoing
 * @typedef {{signal: Outgoing, since: number, underway: boolean}} Waiting
 */
import { isLive, listen, reconnect, send, start } from "careroom/bus";

const ACK_AFTER = 250;
const AGAIN_AFTER = 1_500;
const ANSWER_WITHIN = 4_000;
const KEPT_FOR = 60_000; // as long as the server's mailbox: what is older is of no use to anybody

export class Signalling extends EventTarget {
  /** @param {string} callId @param {string} [leaveUrl] where a page that closes says so */
  constructor(callId, leaveUrl = "") {
    super();
    this.callId = callId;
    this.leaveUrl = leaveUrl;
    this.clientId = crypto.randomUUID();
    this.generation = 0;
    /** @type {Record<string, boolean>} */
    this.devices = {};
    this.closed = false;
    /** @type {Waiting[]} */
    this.queue = [];
    this.number = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.again = undefined;
    this.entered = false;
    /** How often we were told that somebody came or went, or that something changed: what was asked before may be older. */
    this.told = 0;
    /** @type {Set<string>} */
    this.seen = new Set();
    /** @type {string[]} */
    this.arrived = [];
    /** @type {(() => void)[]} */
    this.undo = [];
    /** @type {number | undefined} */
    this.ackTimer = undefined;
  }

  /** Takes part, now and after every loss of the line. */
  open() {
    const heard = /** @type {[string, (said: any) => void][]} */ ([
      ["video_call.signal", (said) => this.take([said.signal])],
      ["video_call.person", (said) => this.meet(said.person)],
      ["video_call.here", (said) => this.tell("here", said)],
      ["video_call.control", (said) => this.tell("control", said)],
      ["video_call.stroke", (said) => this.tell("stroke", said)],
      ["video_call.taken_over", (said) => said.by !== this.clientId && this.lose("taken_over")],
    ]);
    for (const [name, handler] of heard) {
      this.undo.push(listen(name, (said) => (said.call ?? this.callId) === this.callId && !this.closed && handler(said)));
    }
    const joined = () => void this.enter();
    const event = (/** @type {Event} */ e) => {
      const { topic, type, ids } = /** @type {CustomEvent} */ (e).detail;
      if (topic !== `video_call.call:${this.callId}`) return;
      this.told += 1;
      this.tell("changed", { type, by: ids?.by });
    };
    document.addEventListener("careroom:joined", joined);
    document.addEventListener("careroom:event", event);
    document.addEventListener("careroom:reset", joined);
    const gone = () => this.sayGone();
    addEventListener("pagehide", gone);
    this.undo.push(() => {
      document.removeEventListener("careroom:joined", joined);
      document.removeEventListener("careroom:event", event);
      document.removeEventListener("careroom:reset", joined);
      removeEventListener("pagehide", gone);
    });
    start();
    if (isLive()) joined();
  }

  /** The line goes down with the page, and what was just said with it: this request does not. */
  sayGone() {
    if (!this.leaveUrl || !this.entered) return;
    const token = document.querySelector("meta[name='csrf-token']")?.getAttribute("content") ?? "";
    const headers = { Accept: "application/json", "X-CSRFToken": token, "X-Client": this.clientId };
    fetch(this.leaveUrl, { method: "POST", headers, keepalive: true }).catch(() => undefined);
  }

  async enter() {
    if (this.closed) return;
    this.entered = false;
    const { told } = this;
    const answer = await send(
      "video_call.enter",
      { call: this.callId, client_id: this.clientId, generation: this.generation, devices: this.devices },
      ANSWER_WITHIN,
    );
    if (this.closed) return;
    if (!answer.ok) {
      if (answer.reason === "taken_over" || answer.reason === "over") this.lose(answer.reason);
      else if (answer.reason === "not_part") this.tell("not_part", {}); // not let in yet; the event that lets us in asks again
      else if (answer.reason !== "disconnected") setTimeout(() => this.enter(), AGAIN_AFTER);
      return;
    }
    const view = /** @type {View} */ (answer.answer);
    this.generation = view.generation;
    this.entered = true;
    this.tell("entered", view);
    this.take((view.mailbox ?? []).sort((a, b) => a.number - b.number));
    this.flush();
    if (told !== this.told) this.tell("changed", {});
  }

  /** @param {Person} person */
  meet(person) {
    this.told += 1;
    this.tell("person", person);
  }

  /** How does the call stand now? @returns {Promise<View | null>} */
  async look() {
    if (!this.entered) {
      await this.enter();
      return null;
    }
    const answer = await send("video_call.look", { call: this.callId }, ANSWER_WITHIN);
    if (answer.reason === "not_part") this.lose("removed"); // shown out, or a colleague has this place now
    return answer.ok ? /** @type {View} */ (answer.answer) : null;
  }

  /**
   * Is the line alive? If not, it is closed and opened again at once.
   * @param {number} within milliseconds
   */
  async check(within) {
    const answer = await send("video_call.look", { call: this.callId }, within);
    if (answer.ok) {
      this.tell("viewed", answer.answer); // with credentials that are fresh, for what comes next
      return true;
    }
    if (answer.reason === "disconnected" || answer.reason === "timeout") reconnect();
    return false;
  }

  /** @param {Omit<Outgoing, "number">} signal */
  post(signal) {
    this.number += 1;
    this.queue.push({ signal: { ...signal, number: this.number }, since: Date.now(), underway: false });
    this.flush();
  }

  /** Forgets what waits for a connection that is no more. @param {string} to @param {number} generation */
  drop(to, generation) {
    this.queue = this.queue.filter(({ signal }) => signal.to !== to || signal.generation >= generation);
  }

  /** Sends what waits, without waiting for answers: the server takes them in order. What is not answered stays. */
  flush() {
    if (!this.entered || !isLive()) return;
    this.queue = this.queue.filter(({ since, underway }) => underway || Date.now() - since < KEPT_FOR);
    for (const one of this.queue) if (!one.underway) void this.send(one);
  }

  /** @param {Waiting} one */
  async send(one) {
    one.underway = true;
    const said = { call: this.callId, client_id: this.clientId, ...one.signal };
    const { ok, reason } = await send("video_call.signal", said, ANSWER_WITHIN);
    one.underway = false;
    if (!ok && (reason === "disconnected" || reason === "timeout")) {
      this.again ??= setTimeout(() => {
        this.again = undefined;
        this.flush();
      }, AGAIN_AFTER);
      return;
    }
    if (reason === "taken_over") this.lose("taken_over");
    this.queue = this.queue.filter((other) => other !== one);
  }

  /** @param {Signal[]} signals */
  take(signals) {
    for (const signal of signals) {
      this.arrived.push(signal.id);
      const key = `${signal.client_id} ${signal.number}`;
      if (signal.to_client !== this.clientId || this.seen.has(key)) continue;
      this.seen.add(key);
      this.tell("signal", signal);
    }
    if (signals.length) this.ackTimer ??= setTimeout(() => void this.acknowledge(), ACK_AFTER);
  }

  async acknowledge() {
    this.ackTimer = undefined;
    const ids = this.arrived.splice(0, 100);
    const answer = await send("video_call.ack", { call: this.callId, ids }, ANSWER_WITHIN);
    if (!answer.ok) return; // they are replayed, taken for known, and acknowledged then
    if (this.arrived.length) this.ackTimer ??= setTimeout(() => void this.acknowledge(), ACK_AFTER);
  }

  /** @param {string} name @param {Record<string, unknown>} said */
  ask(name, said) {
    return send(`video_call.${name}`, { call: this.callId, ...said });
  }

  /** @param {string} why */
  lose(why) {
    if (this.closed) return;
    this.close();
    this.tell(why, {});
  }

  close() {
    this.closed = true;
    this.entered = false;
    clearTimeout(this.ackTimer);
    clearTimeout(this.again);
    for (const stop of this.undo.splice(0)) stop();
  }

  /** @param {string} name @param {unknown} detail */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
