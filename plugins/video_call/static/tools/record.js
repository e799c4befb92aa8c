/**
 * Recording, on the clinician's page: asked for, granted, then sent in parts as it is made, so that a closed page loses
 * seconds. The server takes no part without the grant; a grant that is taken back ends it here, too. A guest's voice is in
 * it once that guest has agreed, and from then on.
 */
import { ask, button, control, on, press, Refusal, say } from "./host.js";

const EVERY = 4000;
const PART = 1024 * 1024;
const FRAME = 66; // milliseconds

/**
 * @param {import("./host.js").Tools} tools
 * @param {import("./consent.js").Consents} consents
 */
export function mountRecord({ room, host, facts }, consents) {
  const what = facts.recording.what ?? "audio";
  const kind = `recording_${what}`;
  /** @type {Recording | undefined} */
  let running;
  let wanted = false;
  /** @type {Set<string>} guests who agreed */
  const agreed = new Set();
  const open = button(host, "record", async () => {
    if (running) {
      wanted = false;
      await stop();
    } else if (consents.state(kind) === "asked") await consents.withdraw(kind).catch(() => consents.refresh());
    else await begin();
  });
  if (facts.recording.warning) open.title = facts.recording.warning;

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
      host.note?.(say(facts, "failed"));
    } else host.announce(say(facts, "asked"));
    await consents.refresh();
  }

  async function start() {
    const patient = [...room.people.values()].find((person) => person.role === "patient");
    const theirs = patient && room.streams.get(patient.id)?.main;
    if (running || !theirs) return;
    try {
      const { parts } = await ask(facts, "recordings", { json: { what } });
      const path = String(parts).slice(facts.base.length);
      running = new Recording(theirs, room.tracks.audio, what, host.patientPicture, (body, from, last) => ask(facts, `${path}?from=${from}${last ? "&last" : ""}`, { body, method: "POST", type: "application/octet-stream" }), failed);
      for (const id of agreed) running.hear(id, room.streams.get(id)?.main);
      running.start();
      draw();
      void askGuests();
      await consents.refresh();
    } catch (error) {
      wanted = false;
      failed(error);
    }
  }

  async function askGuests() {
    const silent = [...room.people.values()].filter(({ role, id }) => role === "guest" && !agreed.has(id));
    if (!running || !silent.length) return;
    const answer = await control(room, "ask_guest_recording", { what });
    host.note?.(say(facts, answer.ok ? "guests_asked" : "guests_left_out"));
  }

  async function stop() {
    const ending = running;
    running = undefined;
    draw();
    try {
      if (await ending?.end()) host.note?.(say(facts, "recording_kept"));
    } catch (error) {
      failed(error);
    }
    await consents.refresh();
  }

  /** @param {unknown} error */
  function failed(error) {
    host.note?.(error instanceof Refusal ? error.message : say(facts, "failed"));
    if (running) void stop();
  }

  function draw() {
    press(open, Boolean(running));
    open.toggleAttribute("data-waiting", consents.state(kind) === "asked");
  }

  on(consents, "change", (before) => {
    const state = consents.state(kind);
    if (state === "granted" && wanted && !running) void start();
    if (state !== "granted" && running) {
      wanted = false;
      running.broken = true; // what was not sent yet is no longer agreed to
      host.note?.(say(facts, "taken_back"));
      void stop();
    }
    if (before?.get(kind)?.state === "asked" && state === "refused") {
      wanted = false;
      host.note?.(say(facts, "refused"));
    }
    draw();
  });
  on(room, "state", ({ state }) => {
    if (state !== "admitted" && state !== "in_call" && running) void stop();
  });
  on(room, "control", ({ from, kind: said, body }) => {
    const guest = room.people.get(from);
    if (said !== "guest_recorded" || guest?.role !== "guest") return;
    agreed[body.agreed ? "add" : "delete"](from);
    running?.hear(from, body.agreed ? room.streams.get(from)?.main : null);
    host.note?.(say(facts, body.agreed ? "guest_agreed" : "guest_left_out", { name: guest.name }));
  });
  on(room, "stream", ({ kind: which, person, stream }) => {
    if (which === "main" && running && room.people.get(person)?.role === "guest") {
      if (agreed.has(person)) running.hear(person, stream);
      else if (stream) void askGuests();
    }
    // A connection that was built anew brings new tracks: the rest is a recording of its own.
    if (which === "main" && running && room.people.get(person)?.role === "patient") void stop().then(() => (wanted ? start() : undefined));
  });
}

class Recording {
  /**
   * @param {MediaStream} theirs
   * @param {MediaStreamTrack | null} mine
   * @param {"audio" | "video"} what
   * @param {() => HTMLVideoElement | undefined} picture what is seen of the patient
   * @param {(body: Blob | null, from: number, last: boolean) => Promise<any>} send
   * @param {(error: unknown) => void} failed
   */
  constructor(theirs, mine, what, picture, send, failed) {
    this.picture = picture;
    this.context = new AudioContext();
    const mixed = (this.mixed = this.context.createMediaStreamDestination());
    /** @type {Map<string, AudioNode[]>} guests, who come and go */
    this.heard = new Map();
    this.mix([...theirs.getAudioTracks(), ...(mine ? [mine] : [])]);
    const tracks = [...(what === "video" ? this.paint(picture()) : []), ...mixed.stream.getAudioTracks()];
    this.recorder = new MediaRecorder(new MediaStream(tracks), {
      mimeType: what === "video" ? "video/webm;codecs=vp8,opus" : "audio/webm;codecs=opus",
      videoBitsPerSecond: 900_000,
      audioBitsPerSecond: 48_000,
    });
    this.send = send;
    this.sent = 0;
    /** @type {Promise<unknown>} one part after the other */
    this.queue = Promise.resolve();
    this.stopped = new Promise((resolve) => this.recorder.addEventListener("stop", resolve));
    this.broken = false;
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

  /** @param {Blob} data */
  async put(data) {
    for (let at = 0; at < data.size && !this.broken; at += PART) {
      const piece = data.slice(at, at + PART);
      await this.send(piece, this.sent, false);
      this.sent += piece.size;
    }
  }

  /** @returns {Promise<boolean>} is there something in the record now? */
  async end() {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    await this.stopped;
    await this.queue;
    clearInterval(this.painting);
    void this.context.close();
    if (!this.sent) return false;
    await this.send(null, this.sent, true);
    return true;
  }
}
