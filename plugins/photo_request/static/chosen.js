/**
 * The photos that the patient chose, kept on the phone until the practice has them: a reload, a sleeping phone or a
 * browser that was closed loses nothing. Where the browser keeps nothing (private windows), they live in memory.
 */

const OLDEST = 30 * 24 * 60 * 60 * 1000;

/**
 * @typedef {object} Chosen
 * @property {string} id the phone's own name for the photo, a UUID
 * @property {string} request
 * @property {string} name
 * @property {string} origin tells the same file chosen twice
 * @property {Blob} blob
 * @property {Blob | null} preview
 * @property {string} comment
 * @property {number} at when it was chosen; the order of the photos
 * @property {boolean} agreed the patient pressed "Agree and send"
 * @property {string | null} url where the upload goes on
 */

/** @type {Map<string, Chosen>} */
const memory = new Map();

/** @type {Promise<IDBDatabase | null>} */
const database = new Promise((resolve) => {
  try {
    const opening = indexedDB.open("careroom-photos", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("chosen", { keyPath: "id" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = opening.onblocked = () => resolve(null);
  } catch {
    resolve(null);
  }
});

/**
 * The photos chosen for a request, in the order in which they were chosen. Old ones of any request are forgotten.
 * @param {string} request
 * @returns {Promise<Chosen[]>}
 */
export async function all(request) {
  /** @type {Chosen[]} */
  const stored = (await run("readonly", (store) => store.getAll())) ?? [...memory.values()];
  for (const old of stored.filter((item) => item.at < Date.now() - OLDEST)) await forget(old.id);
  return stored.filter((item) => item.request === request && item.at >= Date.now() - OLDEST).sort((a, b) => a.at - b.at);
}

/**
 * Keep a photo, or what changed about it.
 * @param {Chosen} item
 */
export async function keep(item) {
  memory.set(item.id, item);
  await run("readwrite", (store) => store.put(item));
}

/**
 * The practice has it, or the patient took it away.
 * @param {string} id
 */
export async function forget(id) {
  memory.delete(id);
  await run("readwrite", (store) => store.delete(id));
}

/** A new UUID, also where the page is not in a secure context (a demonstration over plain HTTP). */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T | null>} null where nothing can be kept
 */
async function run(mode, act) {
  const opened = await database;
  if (!opened) return null;
  return new Promise((resolve) => {
    try {
      const transaction = opened.transaction("chosen", mode);
      const asked = act(transaction.objectStore("chosen"));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => resolve(null); // full: what is in memory is still sent
    } catch {
      resolve(null);
    }
  });
}
