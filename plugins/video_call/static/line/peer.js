/**
 * The connection to one other page: perfect negotiation, and a number (generation) that tells a connection from the one
 * before it. The impolite side makes connections and restarts them; the polite side answers, and asks for both.
 *
 * @typedef {import("./signalling.js").Body} Body
 * @typedef {import("./signalling.js").Kind} Kind
 * @typedef {import("./signalling.js").Signal} Signal
 * @typedef {"audio" | "video" | "screen"} Slot
 * @typedef {{polite: boolean, talking: () => boolean, ice: () => import("./signalling.js").Ice, tracks: () => Record<Slot, MediaStreamTrack | null>,
 *   limit: () => number | null, post: (kind: Kind, body: Body, generation: number) => void,
 *   pointer: (said: any) => void, stroke: (said: any) => void, alive: () => void, changed: () => void}} Surroundings
 */
/** @type {readonly Slot[]} */
const SLOTS = ["audio", "video", "screen"];
const BATCH_AFTER = 15;
const BEAT_EVERY = 400;
const SCREEN_SHARE = 0.75;
const OWN = / raddr \S+ rport \d+/;

export class Peer {
  /** @param {Surroundings} around */
  constructor(around) {
    this.around = around;
    this.generation = 0;
    this.relay = false;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
    this.main = new MediaStream();
    this.screen = new MediaStream();
    /** @type {RTCRtpTransceiver[]} */
    this.transceivers = [];
    /** @type {RTCDataChannel | null} */
    this.pointer = null;
    /** @type {RTCDataChannel | null} */
    this.strokes = null;
    this.offering = false;
    this.ignoring = false;
    /** @type {RTCIceCandidateInit[]} */
    this.found = [];
    /** Addresses of ours that wait until both may talk. @type {RTCIceCandidateInit[]} */
    this.held = [];
    /** @type {RTCIceCandidateInit[]} */
    this.early = [];
    /** @type {number | undefined} */
    this.batch = undefined;
    /** @type {number | undefined} */
    this.beat = undefined;
    /** @type {Promise<void>} */
    this.work = Promise.resolve();
  }

  /** Makes a new connection in place of the old one. @param {number} generation @param {boolean} relay */
  build(generation, relay) {
    this.end();
    this.generation = generation;
    this.relay = relay;
    const { servers, relay: has } = this.around.ice();
    const pc = new RTCPeerConnection({
      iceServers: servers,
      iceTransportPolicy: relay && has ? "relay" : "all",
      bundlePolicy: "max-bundle",
    });
    this.pc = pc;
    this.offering = this.ignoring = false;
    this.early = [];
    this.transceivers = [];
    this.channels(pc);
    pc.addEventListener("icecandidate", ({ candidate }) => this.pc === pc && this.gathered(candidate));
    pc.addEventListener("connectionstatechange", () => this.pc === pc && this.around.changed());
    if (!this.around.polite) {
      pc.addEventListener("negotiationneeded", () => void this.offer(pc));
      for (const slot of SLOTS) {
        this.transceivers.push(pc.addTransceiver(slot === "audio" ? "audio" : "video", { direction: "sendrecv" }));
      }
      this.receive();
      void this.offer(pc); // at once: the event comes a little later, and finds that nothing is needed any more
    }
  }

  /** @param {RTCPeerConnection} pc */
  channels(pc) {
    this.pointer = pc.createDataChannel("pointer", { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
    this.strokes = pc.createDataChannel("strokes", { negotiated: true, id: 2 });
    this.pointer.addEventListener("message", ({ data }) => {
      this.around.alive();
      const said = this.around.talking() && parsed(data);
      if (said) this.around.pointer(said);
    });
    this.strokes.addEventListener("message", ({ data }) => {
      const said = this.around.talking() && parsed(data);
      if (said) this.around.stroke(said);
    });
    // A page whose camera and microphone are off sends nothing else.
    this.beat = setInterval(() => this.say(this.pointer, null), BEAT_EVERY);
  }

  /** @param {RTCDataChannel | null} channel @param {unknown} said @returns {boolean} */
  say(channel, said) {
    if (channel?.readyState !== "open" || channel.bufferedAmount > 1_000_000) return false;
    channel.send(said === null ? "" : JSON.stringify(said));
    return true;
  }

  /** What comes from the other side, in two streams. The tracks are those of the connection, whatever is sent on them. */
  receive() {
    const tracks = this.transceivers.map((transceiver) => transceiver.receiver.track);
    this.main = new MediaStream(tracks.slice(0, 2));
    this.screen = new MediaStream(tracks.slice(2, 3));
    void this.send();
    this.around.changed();
  }

  /** Sends what is to be sent now; without a negotiation. */
  async send() {
    const tracks = this.around.tracks();
    await Promise.all(
      this.transceivers.map(async (transceiver, index) => {
        const track = tracks[SLOTS[index] ?? "screen"];
        if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track).catch(() => undefined);
      }),
    );
    await this.bound();
  }

  /** Keeps camera and screen together within the bandwidth that was chosen; most of it is the screen's. */
  async bound() {
    const limit = this.around.limit();
    const [camera, screen] = this.transceivers.slice(1).map(({ sender }) => sender);
    const share = !screen?.track ? 0 : camera?.track ? SCREEN_SHARE : 1;
    await Promise.all([atMost(camera, limit && limit * (1 - share)), atMost(screen, limit && limit * share)]);
  }

  /** @param {RTCPeerConnection} pc */
  async offer(pc) {
    try {
      this.offering = true;
      await pc.setLocalDescription();
      this.describeSelf(pc);
    } catch (error) {
      if (this.pc === pc && pc.signalingState !== "closed") console.warn("offer", error);
    } finally {
      this.offering = false;
    }
  }

  /** @param {RTCPeerConnection} pc */
  describeSelf(pc) {
    if (this.pc !== pc || !pc.localDescription) return;
    const { type, sdp } = pc.localDescription;
    this.post("description", { description: { type, sdp: this.around.talking() ? sdp : withoutAddress(sdp) } });
  }

  /** @param {Kind} kind @param {Body} body */
  post(kind, body) {
    this.around.post(kind, body, this.generation);
  }

  /** @param {RTCIceCandidate | null} candidate */
  gathered(candidate) {
    if (!candidate?.candidate) return;
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    this.found.push({ candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment });
    this.batch ??= setTimeout(() => this.tellFound(), BATCH_AFTER);
  }

  /** Before both may talk, a relay's address is all that the other side learns. */
  tellFound() {
    clearTimeout(this.batch);
    this.batch = undefined;
    let candidates = this.found.splice(0, 30);
    if (!this.around.talking()) {
      this.held.push(...candidates.filter((each) => !isRelay(each)));
      candidates = candidates.filter(isRelay).map((each) => ({ ...each, candidate: each.candidate?.replace(OWN, " raddr 0.0.0.0 rport 0") }));
    }
    if (candidates.length) this.post("candidate", { candidates });
    if (this.found.length) this.tellFound();
  }

  /** Both may talk now: how else this page is reached. */
  release() {
    this.found.unshift(...this.held.splice(0));
    this.tellFound();
  }

  /** One after the other, in the order in which they came. @param {Signal} signal */
  take(signal) {
    this.work = this.work.then(() => this.handle(signal)).catch((error) => console.warn(signal.kind, error));
    return this.work;
  }

  /** @param {Signal} signal */
  async handle({ kind, generation, body }) {
    const pc = this.pc;
    if (!pc || generation !== this.generation) return;
    if (kind === "description" && body.description) await this.describe(pc, body.description);
    for (const candidate of (kind === "candidate" && body.candidates) || []) {
      if (pc.remoteDescription) await this.add(pc, candidate);
      else this.early.push(candidate);
    }
  }

  /** @param {RTCPeerConnection} pc @param {RTCSessionDescriptionInit} description */
  async describe(pc, description) {
    const collides = description.type === "offer" && (this.offering || pc.signalingState !== "stable");
    this.ignoring = !this.around.polite && collides;
    if (this.ignoring) return;
    await pc.setRemoteDescription(description);
    if (description.type === "offer") {
      if (!this.transceivers.length) {
        this.transceivers = pc.getTransceivers();
        for (const transceiver of this.transceivers) transceiver.direction = "sendrecv";
        this.receive();
      }
      await pc.setLocalDescription();
      this.describeSelf(pc);
    }
    for (const candidate of this.early.splice(0)) await this.add(pc, candidate);
  }

  /** @param {RTCPeerConnection} pc @param {RTCIceCandidateInit} candidate */
  async add(pc, candidate) {
    try {
      await pc.addIceCandidate(candidate);
    } catch (error) {
      if (!this.ignoring) console.info("candidate", error);
    }
  }

  /** Looks for another way to the other side, on the same connection. */
  restart() {
    if (!this.pc) return;
    const { servers, relay } = this.around.ice();
    try {
      this.pc.setConfiguration({
        iceServers: servers,
        iceTransportPolicy: this.relay && relay ? "relay" : "all",
        bundlePolicy: "max-bundle",
      });
    } catch {
      // The old credentials may do.
    }
    this.pc.restartIce();
  }

  end() {
    clearInterval(this.beat);
    clearTimeout(this.batch);
    this.batch = undefined;
    this.found = [];
    this.held = [];
    this.pc?.close();
    this.pc = null;
  }
}

/** @param {RTCRtpSender | undefined} sender @param {number | null} kbps null: what the line bears */
async function atMost(sender, kbps) {
  const parameters = sender?.getParameters();
  if (!sender?.track || !parameters?.encodings?.length) return;
  for (const encoding of parameters.encodings) {
    if (kbps) encoding.maxBitrate = Math.round(kbps * 1000);
    else delete encoding.maxBitrate;
  }
  await sender.setParameters(parameters).catch(() => undefined);
}

/** A page's first connection takes longest to make: this one is nobody's, so that the first that counts is the second. */
export async function warmUp() {
  const pc = new RTCPeerConnection();
  pc.createDataChannel("");
  for (const kind of ["audio", "video"]) pc.addTransceiver(kind);
  await pc.setLocalDescription().catch(() => undefined);
  pc.close();
}

/** @param {RTCIceCandidateInit} candidate */
function isRelay({ candidate }) {
  return / typ relay /.test(`${candidate} `);
}

/** @param {string} sdp */
function withoutAddress(sdp) {
  return sdp.replace(/^a=(?:candidate:|end-of-candidates).*\r?\n/gm, "").replace(/IN IP4 [\d.]+/g, "IN IP4 0.0.0.0").replace(/IN IP6 \S+/g, "IN IP6 ::");
}

/** @param {unknown} text @returns {any} */
function parsed(text) {
  if (typeof text !== "string" || !text || text.length > 65_536) return null;
  try {
    const said = JSON.parse(text);
    return said && typeof said === "object" ? said : null;
  } catch {
    return null;
  }
}
