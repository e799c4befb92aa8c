/**
 * Recording, on the clinician's page: asked for, granted, then sent in parts as it is made, so that a closed page loses
 * seconds. The server takes no part without the grant; a grant that is taken back ends it here, too. A guest's voice is in
 * it once that guest has agreed, and from then on.
 */
import { ask, button, control, on, press, Refusal, say } from "./host.js";

const EVERY = 4000;
const PART = 256 * 1024; // small enough to arrive often on a weak line: the others see that it goes on
const FRAME = 66; // milliseconds
const AGAIN = 1000;
const TRIES = 5;
/** What the server keeps, the most usual first; Safari before 18.4 makes none of it. */
const TYPES = { audio: ["audio/webm;codecs=opus", "audio/webm"], video: ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/webm"] };

/**
 * @param {import("./host.js").Tools} tools
 * @param {import("./consent.js").Consents} consents
 * @returns {() => Promise<void>} ends what is being recorded; resolves once all of it is in the record
 */
export function mountRecord({ room, host, facts, signal }, consents) {
  const what = facts.recording.what ?? "audio";
  const type = globalThis.MediaRecorder && TYPES[what].find((one) => MediaRecorder.isTypeSupported(one));
  const kind = `recording_${what}`;
  /** What records, and what is still being sent. @type {Set<Recording>} */
  const running = new Set();
  /** Set before anything is asked: of two who begin, one does. @type {Promise<void> | undefined} */
  let starting;
  let wanted = false;
  let swept = false;
  let stale = false; // the patient's tracks are other ones now
  /** @type {Set<string>} guests who agreed */
  const agreed = new Set();
  const open = button(host, "record", async () => {
    if (!type) return host.note?.(say(facts, "cannot_record"));
    if (starting) return;
    if (running.size) await finish();
    else if (consents.state(kind) === "asked") await consents.withdraw(kind).catch(() => consents.refresh());
    else await begin();
  });
  if (facts.recording.warning) open.title = facts.recording.warning;
  if (!type) {
    open.title = say(facts, "cannot_record");
    open.setAttribute("aria-disabled", "true");
  }

  async function begin() {
    wanted = true;
    if (facts.recording.warning) host.note?.(facts.recording.warning);
    if (consents.state(kind) === "granted") {
      await start();
      return;
    }
    const answer = await control(room, "ask_recording", { what });
    if (!answer.ok) {
      wanted = false;
      host.note?.(say(facts, answer.reason === "too_soon" ? "too_soon" : "failed"));
    } else host.announce(say(facts, "asked"));
    await consents.refresh();
  }

  function start() {
    starting ??= make()
      .catch(failed)
      .finally(() => {
        starting = undefined;
        draw();
        if (!wanted && running.size) void stop(); // it was stopped, or is not agreed to any more, while it began
      });
    return starting;
  }

  async function make() {
    const patient = [...room.people.values()].find((person) => person.role === "patient");
    const theirs = patient && room.streams.get(patient.id)?.main;
    if (signal.aborted || running.size || !theirs || !type) return;
    stale = false;
    const { parts } = await ask(facts, "recordings", { json: { what } });
    const path = String(parts).slice(facts.base.length);
    const send = (/** @type {Blob | null} */ body, /** @type {number} */ from, /** @type {boolean} */ last) =>
      ask(facts, `${path}?from=${from}${last ? "&last" : ""}`, { body, method: "POST", type: "application/octet-stream" });
    try {
      const recording = new Recording({ theirs, type }, what, host.patientPicture, send, failed);
      recording.speak(room.tracks.audio);
      for (const id of agreed) recording.hear(id, room.streams.get(id)?.main);
      recording.start();
      if (room.state === "on_hold") recording.pause();
      running.add(recording);
    } catch (error) {
      await send(null, 0, true);
      throw error;
    }
    draw();
    void askGuests();
    await consents.refresh();
  }

  async function askGuests() {
    const silent = [...room.people.values()].filter(({ role, id }) => role === "guest" && !agreed.has(id));
    if (!running.size || !silent.length) return;
    const answer = await control(room, "ask_guest_recording", { what });
    host.note?.(say(facts, answer.ok ? "guests_asked" : "guests_left_out"));
  }

  async function stop() {
    await starting;
    const ending = [...running].map(async (recording) => {
      const isFirst = !recording.ending;
      try {
        if ((await recording.end()) && isFirst) host.note?.(say(facts, "recording_kept"));
      } catch (error) {
        if (isFirst) failed(error);
      } finally {
        running.delete(recording);
      }
    });
    draw();
    await Promise.all(ending);
    draw();
    await consents.refresh();
  }

  async function anew() {
    stale = false;
    await stop();
    if (wanted) await start();
  }

  async function finish() {
    wanted = false;
    if (starting || running.size) await stop();
  }

  /** @param {unknown} error */
  function failed(error) {
    wanted = false;
    if (!signal.aborted || signal.reason === "over") host.note?.(error instanceof Refusal ? error.message : say(facts, "failed"));
    if (!starting && [...running].some((recording) => !recording.ending)) void stop();
  }

  /** No more of it is sent. */
  function drop() {
    wanted = false;
    for (const recording of running) recording.broken = true;
  }

  function draw() {
    press(open, [...running].some((recording) => !recording.ending));
    open.toggleAttribute("data-waiting", consents.state(kind) === "asked");
  }

  on(consents, "change", (before) => {
    const state = consents.state(kind);
    if (state === "granted" && !swept) void ask(facts, "recordings/left", { json: {} }).catch(() => undefined); // by this page, before it was loaded again
    swept ||= state === "granted";
    if (state === "granted" && wanted && stale) void anew();
    else if (state === "granted" && wanted && !running.size) void start();
    if (!["granted", "paused", "none"].includes(state) && (starting || running.size)) {
      drop(); // what was not sent yet is no longer agreed to
      if (before?.get(kind)?.state !== state) host.note?.(say(facts, "taken_back"));
      void stop();
    }
    if (before?.get(kind)?.state === "asked" && state === "refused") {
      wanted = false;
      host.note?.(say(facts, "refused"));
    }
    draw();
  });
  on(room, "state", ({ state }) => {
    for (const recording of running) {
      if (state === "on_hold") recording.pause();
      else if (state === "admitted" || state === "in_call") recording.resume();
    }
  });
  signal.addEventListener("abort", () => {
    if (signal.reason !== "over") drop(); // another page keeps what came
    void finish();
  });
  on(room, "own", ({ kind: which, track }) => {
    if (which === "audio") for (const recording of running) recording.speak(track);
  });
  on(room, "control", ({ from, kind: said, body }) => {
    const guest = room.people.get(from);
    if (said !== "guest_recorded" || guest?.role !== "guest") return;
    agreed[body.agreed ? "add" : "delete"](from);
    for (const recording of running) recording.hear(from, body.agreed ? room.streams.get(from)?.main : null);
    host.note?.(say(facts, body.agreed ? "guest_agreed" : "guest_left_out", { name: guest.name }));
  });
  on(room, "stream", ({ kind: which, person, stream }) => {
    if (which !== "main") return;
    const role = room.people.get(person)?.role;
    if (role === "guest" && running.size) {
      if (stream && !agreed.has(person)) void askGuests();
      else for (const recording of running) recording.hear(person, stream);
    }
    // A connection that was built anew brings new tracks: the rest is a recording of its own.
    if (role === "patient" && stream) {
      stale = true;
      if (wanted && consents.state(kind) === "granted") void anew();
    }
  });
  return finish;
}

class Recording {
  /**
   * @param {{theirs: MediaStream, type: string}} of type: one that this browser makes
   * @param {"audio" | "video"} what
   * @param {() => HTMLVideoElement | undefined} picture what is seen of the patient
   * @param {(body: Blob | null, from: number, last: boolean) => Promise<any>} send
   * @param {(error: unknown) => void} failed
   */
  constructor({ theirs, type }, what, picture, send, failed) {
    this.picture = picture;
    this.context = new AudioContext();
    const mixed = (this.mixed = this.context.createMediaStreamDestination());
    /** @type {Map<string, AudioNode[]>} guests, who come and go */
    this.heard = new Map();
    /** @type {AudioNode[]} the clinician's own voice */
    this.own = [];
    this.mix(theirs.getAudioTracks());
    const tracks = [...(what === "video" ? this.paint(picture()) : []), ...mixed.stream.getAudioTracks()];
    this.recorder = new MediaRecorder(new MediaStream(tracks), {
      mimeType: type,
      videoBitsPerSecond: 900_000,
      audioBitsPerSecond: 48_000,
    });
    this.send = send;
    this.sent = 0;
    /** @type {Promise<unknown>} one part after the other */
    this.queue = Promise.resolve();
    this.stopped = new Promise((resolve) => this.recorder.addEventListener("stop", resolve));
    this.broken = false;
    /** @type {Promise<void> | undefined} */
    this.held = undefined;
    /** @type {(() => void) | undefined} */
    this.release = undefined;
    /** @type {Promise<boolean> | undefined} */
    this.ending = undefined;
    this.recorder.addEventListener("dataavailable", ({ data }) => {
      this.queue = this.queue.then(() => this.put(data)).catch((error) => {
        if (!this.broken) failed(error);
        this.broken = true;
      });
    });
  }

  /** @param {MediaStreamTrack[]} tracks */
  mix(tracks) {
    return tracks.map((track) => {
      const source = this.context.createMediaStreamSource(new MediaStream([track]));
      source.connect(this.mixed);
      return source;
    });
  }

  /** From now on with this microphone: another was chosen, or plugged in again. @param {MediaStreamTrack | null} track */
  speak(track) {
    if (this.ending) return;
    for (const source of this.own) source.disconnect();
    this.own = this.mix(track ? [track] : []);
  }

  /** From now on with this guest's voice, or without. @param {string} id @param {MediaStream | null} [stream] */
  hear(id, stream) {
    for (const source of this.heard.get(id) ?? []) source.disconnect();
    this.heard.set(id, this.mix(stream?.getAudioTracks() ?? []));
  }

  /**
   * A track of what the page shows: a recorder that is handed the patient's own track stops when that is replaced, and
   * waits for ever while no frame comes.
   * @param {HTMLVideoElement | undefined} first
   */
  paint(first) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [first?.videoWidth || 640, first?.videoHeight || 360];
    const context = canvas.getContext("2d");
    const draw = () => {
      const video = this.picture();
      if (!video?.videoWidth || !context) return;
      const scale = Math.min(canvas.width / video.videoWidth, canvas.height / video.videoHeight);
      const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(video, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    };
    draw();
    this.painting = setInterval(draw, FRAME);
    return canvas.captureStream(1000 / FRAME).getVideoTracks();
  }

  start() {
    void this.context.resume();
    this.recorder.start(EVERY);
  }

  /** During a hold nothing is recorded; what was, is kept until it may be sent. */
  pause() {
    if (this.held || this.ending) return;
    this.held = new Promise((resolve) => (this.release = resolve));
    if (this.recorder.state === "recording") {
      this.recorder.requestData();
      this.recorder.pause();
    }
  }

  resume() {
    if (this.recorder.state === "paused") this.recorder.resume();
    this.release?.();
    this.held = this.release = undefined;
  }

  /** @param {Blob} data */
  async put(data) {
    for (let at = 0; at < data.size && !this.broken; at += PART) await this.deliver(data.slice(at, at + PART));
  }

  /** @param {Blob} piece */
  async deliver(piece) {
    for (let tries = 1; ; tries += 1) {
      await this.held;
      if (this.broken) return;
      try {
        await this.send(piece, this.sent, false);
        this.sent += piece.size;
        return;
      } catch (error) {
        // The server knows of a hold before this page does.
        if (!(error instanceof Refusal) || error.code !== "wrong_state" || tries === TRIES) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  /** @returns {Promise<boolean>} is there something in the record now? */
  end() {
    this.ending ??= this.finish();
    return this.ending;
  }

  async finish() {
    this.resume();
    if (this.recorder.state !== "inactive") this.recorder.stop();
    await this.stopped;
    await this.queue;
    clearInterval(this.painting);
    void this.context.close();
    const { received } = await this.send(null, this.sent, true);
    return received > 0;
  }
}
