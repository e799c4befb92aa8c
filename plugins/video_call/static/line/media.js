/**
 * Camera and microphone: whatever subset there is, asked for one by one, and why the rest is missing.
 *
 * @typedef {"none" | "busy" | "denied" | "in_app" | "insecure" | "other"} Why
 * @typedef {"camera" | "microphone"} Device
 * @typedef {{kind: Device, why: Why}} Missing
 */
const SWITCH_AGAIN = 500;
const NAMES = /** @type {Record<string, Why>} */ ({
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
  NotAllowedError: "denied",
  SecurityError: "denied",
});

/** The stream of this page; its tracks come and go. */
const stream = new MediaStream();
let height = 720;
/** @type {string | undefined} */
let facing = "user";

/**
 * @param {{camera?: boolean, microphone?: boolean, height?: number}} wanted
 * @returns {Promise<{stream: MediaStream, missing: Missing[]}>}
 */
export async function acquire(wanted = {}) {
  height = wanted.height ?? height;
  /** @type {Missing[]} */
  const missing = [];
  if (!navigator.mediaDevices?.getUserMedia) {
    const why = isSecureContext ? "in_app" : "insecure";
    if (wanted.camera !== false) missing.push({ kind: "camera", why });
    if (wanted.microphone !== false) missing.push({ kind: "microphone", why });
    return { stream, missing };
  }
  if (wanted.microphone !== false) await take("microphone", sound(), missing);
  if (wanted.camera !== false) await take("camera", picture(), missing);
  return { stream, missing };
}

/** @param {Device} kind @param {MediaStreamConstraints} constraints @param {Missing[]} missing */
async function take(kind, constraints, missing) {
  if (trackOf(kind)?.readyState === "live") return;
  try {
    put(kind, await open(constraints));
  } catch (error) {
    missing.push({ kind, why: (error instanceof Error && NAMES[error.name]) || "other" });
  }
}

/** @param {MediaStreamConstraints} constraints */
async function open(constraints) {
  const [track] = (await navigator.mediaDevices.getUserMedia(constraints)).getTracks();
  if (!track) throw new DOMException("no track", "NotFoundError");
  return track;
}

/** @param {string} [id] @returns {MediaStreamConstraints} */
function sound(id) {
  return { audio: { echoCancellation: true, noiseSuppression: true, ...(id && { deviceId: { exact: id } }) } };
}

/** @param {string} [id] @returns {MediaStreamConstraints} */
function picture(id) {
  /** @type {Record<string, unknown>} */
  const video = { ...size(), zoom: true };
  if (id) video.deviceId = { exact: id };
  else if (facing) video.facingMode = facing;
  return { video };
}

const size = () => ({ width: { ideal: Math.round((height * 16) / 9) }, height: { ideal: height }, frameRate: { ideal: 30 } });

/** The camera's picture, and that of every camera chosen later, has so many lines. @param {number} lines */
export async function resize(lines) {
  height = lines;
  const track = trackOf("camera");
  if (track?.readyState === "live") await track.applyConstraints(size());
}

/** @param {Device} kind */
function trackOf(kind) {
  return (kind === "camera" ? stream.getVideoTracks() : stream.getAudioTracks())[0] ?? null;
}

/** @param {Device} kind @param {MediaStreamTrack} track */
function put(kind, track) {
  const old = trackOf(kind);
  if (old && old !== track) {
    stream.removeTrack(old);
    old.stop();
  }
  stream.addTrack(track);
  return track;
}

/** What there is to choose from. Names are known once one was allowed. */
export async function devices() {
  const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  /** @param {string} kind */
  const of = (kind) => found.filter((device) => device.kind === kind && device.deviceId).map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { cameras: of("videoinput"), microphones: of("audioinput"), speakers: of("audiooutput") };
}

/**
 * Another camera or microphone; the old one comes back when it cannot be had. A phone must close the one first.
 * @param {Device} kind
 * @param {string} id
 * @returns {Promise<MediaStreamTrack>} for ``room.setTrack``
 */
export async function useDevice(kind, id) {
  return change(kind, kind === "camera" ? picture(id) : sound(id));
}

/** @param {Device} kind @param {MediaStreamConstraints} constraints */
async function change(kind, constraints) {
  const old = trackOf(kind);
  const before = old?.getSettings().deviceId;
  const enabled = old?.enabled ?? true;
  old?.stop();
  try {
    const track = await open(constraints).catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, SWITCH_AGAIN)); // the old camera takes a moment to close
      return open(constraints);
    });
    track.enabled = enabled;
    return put(kind, track);
  } catch (error) {
    const track = await open(kind === "camera" ? picture(before) : sound(before)).catch(() => null);
    if (track) {
      track.enabled = enabled;
      put(kind, track);
    }
    throw error;
  }
}

/** The next camera: on a phone the one on its other side. @returns {Promise<MediaStreamTrack>} */
export async function switchCamera() {
  const { cameras } = await devices();
  const settings = trackOf("camera")?.getSettings();
  if (settings?.facingMode) {
    facing = settings.facingMode === "user" ? "environment" : "user";
    return change("camera", picture());
  }
  const next = cameras[(cameras.findIndex(({ id }) => id === settings?.deviceId) + 1) % Math.max(1, cameras.length)];
  if (!next) throw new DOMException("no other camera", "NotFoundError");
  return change("camera", picture(next.id));
}

/** What this camera can zoom to, or null. @returns {{min: number, max: number, step: number, now: number} | null} */
export function zoomRange() {
  const track = trackOf("camera");
  const { zoom } = /** @type {any} */ (track?.getCapabilities?.() ?? {});
  const now = /** @type {any} */ (track?.getSettings() ?? {}).zoom;
  return zoom && zoom.max > zoom.min ? { min: zoom.min, max: zoom.max, step: zoom.step ?? 1, now: now ?? zoom.min } : null;
}

/** Zooms the camera, if it can. @param {number} value between min and max @returns {Promise<boolean>} */
export async function zoom(value) {
  const range = zoomRange();
  const track = trackOf("camera");
  if (!range || !track) return false;
  const bounded = Math.min(range.max, Math.max(range.min, value));
  await track.applyConstraints(/** @type {any} */ ({ advanced: [{ zoom: bounded }] }));
  return true;
}

/**
 * How loud it is, from 0 to 1, for as long as anybody asks.
 * @param {MediaStream} of
 * @returns {{level: () => number, stop: () => void}}
 */
export function levels(of) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  const source = of.getAudioTracks().length ? context.createMediaStreamSource(of) : null;
  source?.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  void context.resume().catch(() => undefined);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      return Math.min(1, Math.sqrt(power) * 4);
    },
    stop() {
      source?.disconnect();
      void context.close().catch(() => undefined);
    },
  };
}

/** Ends camera and microphone. */
export function release() {
  for (const track of stream.getTracks()) {
    track.stop();
    stream.removeTrack(track);
  }
}
