/**
 * Sending: first what was agreed to, then the photos one after the other, in small parts that a poor network can carry.
 * A lost network is waited for; the sending goes on where it stopped, also after a reload.
 */
import * as tus from "tus-js-client";
import { forget, keep } from "./chosen.js";

/** @typedef {import("./chosen.js").Chosen} Chosen */

/**
 * Where to send, and whom to tell.
 * @typedef {object} Course
 * @property {string} agreeUrl
 * @property {string} uploadsUrl
 * @property {(item: Chosen, share: number) => void} progress from 0 to 1; 1 is said once the practice has it
 * @property {(item: Chosen, message: string) => void} refused
 * @property {(waiting: boolean) => void} waiting for the network
 * @property {string} failed what to say when there is no better word
 */

const PART = 256 * 1024;

/** What the practice does not take. The message is for the patient. */
export class Refusal extends Error {}

class Offline extends Error {}

/**
 * Agree to these photos. Waits for the network. Raises Refusal.
 * @param {Chosen[]} items
 * @param {Course} course
 */
export async function agree(items, course) {
  const photos = items.map((item) => ({ id: item.id, size: item.blob.size, comment: item.comment }));
  await insist(course, () => post(course.agreeUrl, { agreed: true, photos }, course.failed));
}

/**
 * Send the photos; answers those that could not be sent.
 * @param {Chosen[]} items
 * @param {Course} course
 * @returns {Promise<Chosen[]>}
 */
export async function sendAll(items, course) {
  const lock = await navigator.wakeLock?.request("screen").catch(() => null);
  /** @type {Chosen[]} */
  const left = [];
  for (const item of items) {
    try {
      await insist(course, () => upload(item, course));
      await forget(item.id);
      course.progress(item, 1);
    } catch (error) {
      left.push(item);
      course.refused(item, error instanceof Refusal && error.message ? error.message : course.failed);
    }
  }
  await lock?.release();
  return left;
}

/**
 * POST JSON to our own server. Raises Refusal with the server's sentence; Offline when it cannot be reached.
 * @param {string} url
 * @param {unknown} body
 * @param {string} failed
 */
export async function post(url, body, failed) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": await token() },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Offline();
  }
  if (answer.ok) return;
  if (isPassing(answer.status)) throw new Offline();
  if ([403, 404, 410].includes(answer.status)) location.reload(); // the link is closed, and its own page says why
  const said = await answer.json().catch(() => null);
  throw new Refusal(said?.error?.message || failed);
}

/**
 * Try until it works or is refused; between tries wait for the network, for the patient to come back, or a while.
 * @param {Course} course
 * @param {() => Promise<void>} act
 */
async function insist(course, act) {
  for (;;) {
    try {
      await act();
      course.waiting(false);
      return;
    } catch (error) {
      if (!(error instanceof Offline)) {
        course.waiting(false);
        throw error;
      }
      course.waiting(true);
      await pause(4000 + Math.random() * 6000);
    }
  }
}

/**
 * @param {Chosen} item
 * @param {Course} course
 * @returns {Promise<void>}
 */
async function upload(item, course) {
  const csrf = await token();
  return new Promise((resolve, reject) => {
    const sending = new tus.Upload(item.blob, {
      endpoint: course.uploadsUrl,
      uploadUrl: item.url,
      chunkSize: PART,
      storeFingerprintForResuming: false,
      retryDelays: [500, 1500, 4000].map((delay) => delay + Math.random() * delay),
      headers: { "X-CSRFToken": csrf, Accept: "application/json" },
      metadata: { id: item.id, filename: item.name, filetype: item.blob.type },
      // Without a network there is nothing to retry: the patient is told at once, and its return goes on.
      onShouldRetry: (error) => navigator.onLine && (isPassing(statusOf(error)) || statusOf(error) === 409),
      onProgress: (done, total) => course.progress(item, Math.min(0.99, done / Math.max(1, total))),
      onUploadUrlAvailable: () => {
        item.url = sending.url;
        void keep(item);
      },
      onSuccess: () => resolve(),
      onError: (error) => reject(isPassing(statusOf(error)) ? new Offline() : new Refusal(messageOf(error))),
    });
    sending.start();
  });
}

/** @param {unknown} error */
function statusOf(error) {
  return error instanceof tus.DetailedError && error.originalResponse ? error.originalResponse.getStatus() : 0;
}

/** @param {unknown} error */
function messageOf(error) {
  const body = error instanceof tus.DetailedError && error.originalResponse ? error.originalResponse.getBody() : "";
  try {
    return String(JSON.parse(body).message ?? "");
  } catch {
    return "";
  }
}

/**
 * Will the same again perhaps work? 0: no answer came.
 * @param {number} status
 */
function isPassing(status) {
  return status === 0 || status === 423 || status === 429 || status >= 500;
}

let tokenRead = Date.now();

/** The page's token against forged requests; fetched anew when the page has stood open for long. */
async function token() {
  const meta = document.querySelector("meta[name='csrf-token']");
  if (Date.now() - tokenRead > 30 * 60 * 1000) {
    const page = await fetch(location.href).catch(() => {
      throw new Offline();
    });
    const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
    const fresh = parsed.querySelector("meta[name='csrf-token']")?.getAttribute("content");
    if (fresh) {
      meta?.setAttribute("content", fresh);
      tokenRead = Date.now();
    }
  }
  return meta?.getAttribute("content") ?? "";
}

/**
 * @param {number} most milliseconds
 * @returns {Promise<void>}
 */
function pause(most) {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      document.removeEventListener("careroom:retry", over);
      resolve();
    };
    const timer = setTimeout(over, most);
    addEventListener("online", over);
    document.addEventListener("careroom:retry", over);
  });
}
