/**
 * A blurred or plain background. The worker finds the person; nothing of it is loaded before somebody chooses it. Frames
 * are dropped rather than queued, and on a machine that is too slow it switches itself off and says so.
 */
import { sendThrough, own } from "./own.js";
import { part, prefer, preferences, root } from "./page.js";
import { announce, say } from "./words.js";

const WIDTH = 640;
const BETWEEN = 66; // fifteen pictures a second, where the browser has no streams of frames

/** @type {Worker | undefined} */
let worker;
let chosen = "none";
/** Where the worker's pictures go, without streams of frames; the newest alone. @type {((picture: ImageBitmap) => void) | undefined} */
let target;

own.addEventListener("plain", () => {
  end();
  checkNone();
  tell("background_failed");
});

/** @param {string} which "none", "blur", "colour", or the id of a picture of the practice */
export async function background(which) {
  const field = document.querySelector(`[data-settings] [name="background"][value="${CSS.escape(which)}"]`);
  if (!(field instanceof HTMLInputElement) || which === chosen) return;
  field.checked = true;
  if (which === "none") {
    end();
    prefer({ background: "none" });
    tell("");
    await sendThrough(undefined);
    return;
  }
  chosen = which;
  tell("background_loading");
  try {
    worker ??= await made();
    const picture = field.dataset.picture ? await fetched(field.dataset.picture) : null;
    if (chosen !== which) return picture?.close(); // meanwhile another was chosen
    const kind = picture ? "picture" : which;
    worker.postMessage({ type: "background", which: kind, colour: getComputedStyle(root).accentColor, picture }, picture ? [picture] : []);
    await sendThrough(filtered);
    if (chosen !== which) return; // it failed, and was said to
    prefer({ background: which });
    tell("background_on");
  } catch {
    await off("background_failed");
  }
}

/** A picture of the practice, as large as it will be drawn. @param {string} url */
async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("the picture is not there any more");
  return createImageBitmap(await answer.blob(), { resizeWidth: WIDTH, resizeQuality: "high" });
}

/** What this browser had chosen before; whoever has chosen meanwhile is not overruled. */
export function preferred() {
  const before = preferences().background;
  if (before && chosen === "none") void background(before);
}

/** @returns {Promise<Worker>} a worker that is ready to find people */
function made() {
  const { workerUrl = "", visionUrl = "", visionLoaderUrl = "", visionWasmUrl = "", visionModelUrl = "" } = root.dataset;
  const fresh = new Worker(workerUrl, { type: "module" });
  const urls = { bundle: visionUrl, loader: visionLoaderUrl, wasm: visionWasmUrl, model: visionModelUrl };
  for (const [key, url] of Object.entries(urls)) urls[/** @type {keyof typeof urls} */ (key)] = new URL(url, location.href).href;
  return new Promise((resolve, reject) => {
    fresh.addEventListener("error", () => reject(new Error("the worker could not be loaded")));
    fresh.addEventListener("message", ({ data }) => {
      if (data.type === "ready") resolve(fresh);
      else if (data.type === "failed") reject(new Error("the model could not be loaded"));
      else if (data.type === "slow") void off("background_slow");
      else if (data.type === "picture") {
        target?.(data.picture);
        data.picture.close();
      }
    });
    fresh.postMessage({ type: "start", urls });
  });
}

/** @param {MediaStreamTrack} raw @returns {Promise<MediaStreamTrack>} the same picture with another background */
async function filtered(raw) {
  if (!worker) return raw;
  const { MediaStreamTrackProcessor: Processor, MediaStreamTrackGenerator: Generator } = /** @type {any} */ (window);
  if (Processor && Generator) {
    const { readable } = new Processor({ track: raw, maxBufferSize: 1 });
    const made = new Generator({ kind: "video" });
    worker.postMessage({ type: "frames", readable, writable: made.writable }, [readable, made.writable]);
    return made;
  }
  return drawn(raw, worker);
}

/** Without streams of frames: pictures of a hidden video, one under way at a time. @param {MediaStreamTrack} raw @param {Worker} finder */
async function drawn(raw, finder) {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  video.srcObject = new MediaStream([raw]);
  await video.play();
  const tall = () => Math.round((WIDTH * video.videoHeight) / (video.videoWidth || 1));
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: tall() });
  const context = canvas.getContext("2d");
  const [made] = canvas.captureStream(15).getVideoTracks();
  if (!context || !made) throw new Error("this browser cannot draw a stream");
  let underway = false;
  const show = (/** @type {ImageBitmap} */ picture) => {
    underway = false;
    if (canvas.height !== picture.height) canvas.height = picture.height; // the phone was turned
    context.drawImage(picture, 0, 0);
  };
  target = show;
  const timer = setInterval(async () => {
    if (target !== show || worker !== finder || made.readyState === "ended" || raw.readyState === "ended") {
      if (target === show) target = undefined;
      video.srcObject = null;
      return clearInterval(timer);
    }
    if (underway || !tall()) return;
    underway = true;
    try {
      const picture = await createImageBitmap(video, { resizeWidth: WIDTH, resizeHeight: tall() });
      finder.postMessage({ type: "picture", picture }, [picture]);
    } catch {
      underway = false; // no picture yet
    }
  }, BETWEEN);
  return made;
}

/** @param {string} why a key of the words */
async function off(why) {
  end();
  checkNone();
  await sendThrough(undefined);
  tell(why);
}

function checkNone() {
  const none = document.querySelector('[data-settings] [name="background"][value="none"]');
  if (none instanceof HTMLInputElement) none.checked = true;
}

function end() {
  chosen = "none";
  worker?.terminate();
  worker = undefined;
}

/** @param {string} key */
function tell(key) {
  const words = key && say(key);
  part("[data-background-state]", HTMLElement).textContent = words;
  if (key === "background_slow" || key === "background_failed") announce(words);
}
