/**
 * The page's line to what happens. Needs nothing but <body data-ticket data-seq data-ticket-url data-socket-path>.
 *
 *   import { start } from "careroom/bus";
 *   start();
 *   document.addEventListener("careroom:event", (e) => e.detail);       // {topic, type, seq, ids}
 *   document.addEventListener("careroom:reset", () => ...);             // away too long: load everything again
 *   document.addEventListener("careroom:connection", (e) => e.detail);  // {state}
 *   document.addEventListener("careroom:joined", () => ...);            // after each loss, however short
 *
 * Events come once and in order. The page knows the last number that it has seen (the one it was rendered with, at
 * first) and says it at each connection, so what happened meanwhile arrives then. The number is kept in memory
 * only: what is shown is of that number, and a page that loads again brings its own.
 *
 * @typedef {{topic: string, type: string, seq: number, ids: Record<string, string | number>}} BusEvent
 * @typedef {{seq: number, events: BusEvent[], reset?: boolean}} Batch
 * @typedef {"idle" | "connected" | "disconnected" | "refused"} State
 * @typedef {{ok: boolean, reason?: string, answer?: unknown}} Answer
 * @typedef {{connected: boolean, active: boolean,
 *   connect: () => void, disconnect: () => void,
 *   on: (name: string, handler: (...said: any[]) => void) => void,
 *   timeout: (milliseconds: number) => {emitWithAck: (name: string, said: unknown) => Promise<Answer>}}} Socket
 */

const ANSWER_WITHIN = 8_000;
const RENEW_AFTER = 8 * 60_000; // a ticket lives ten minutes
const SAY_AFTER = 3_000; // shorter gaps are nobody's business
const AGAIN_AFTER = 5_000;
const REFUSED_AGAIN_AFTER = 60_000;

/** @type {Socket | undefined} */
let socket;
/** @type {State} */
let state = "idle";
let live = false; // joined, and not lost since: what is sent now is heard
let started = false;
let seq = 0;
let ticket = "";
let ticketSince = 0;
let openSince = 0; // when the socket was opened last
let locked = false; // the session was, when a ticket was last asked for: nothing is told until it is unlocked
/** @type {number | undefined} */
let lossTimer;
/** @type {number | undefined} */
let nextTimer;
/** @type {Promise<void> | undefined} */
let joining;
/** @type {Map<string, Set<(said: any) => void>>} */
const listeners = new Map();

/** Opens the line, once, and not before the page has loaded. A page without a ticket stays silent. */
export function start() {
  const { ticket: given, seq: shown } = document.body.dataset;
  if (started || !given) return;
  started = true;
  ticket = given;
  ticketSince = Date.now();
  seq = Number(shown ?? 0);
  if (document.readyState === "complete") open();
  else addEventListener("load", open, { once: true });
}

/**
 * Sends a plugin's socket event and answers what its handler said.
 * @param {string} name "<owner>.<thing>"
 * @param {unknown} said
 * @param {number} [within] milliseconds that the answer may take
 * @returns {Promise<Answer>} {ok: false, reason} when it was refused or the line is down
 */
export async function send(name, said, within = ANSWER_WITHIN) {
  if (!live || !socket) return { ok: false, reason: "disconnected" };
  try {
    return await socket.timeout(within).emitWithAck(name, said);
  } catch {
    return { ok: false, reason: "timeout" };
  }
}

/**
 * Hears a plugin's messages.
 * @param {string} name
 * @param {(said: any) => void} handler
 * @returns {() => void} how to stop
 */
export function listen(name, handler) {
  let heard = listeners.get(name);
  if (!heard) {
    heard = new Set();
    listeners.set(name, heard);
    hear(name);
  }
  heard.add(handler);
  return () => heard.delete(handler);
}

/** @returns {State} */
export function connection() {
  return state;
}

/** Is the line open now? {@link connection} says only after a while that it is not. */
export function isLive() {
  return live;
}

/** Closes the line and opens it again at once, for a page that knows before the heartbeat does that it is dead. */
export function reconnect() {
  if (!socket || state === "refused") return;
  if (socket.connected && !live && Date.now() - openSince < ANSWER_WITHIN) return; // it is just being joined
  socket.disconnect();
  lost();
  socket.connect();
}

async function open() {
  lost(); // says so if it takes long
  const { io } = await import("socket.io-client");
  socket = /** @type {Socket} */ (
    /** @type {unknown} */ (
      io({
        path: document.body.dataset.socketPath ?? "/socket.io",
        transports: ["websocket"],
        reconnectionDelay: 500,
        reconnectionDelayMax: 15_000,
        randomizationFactor: 0.6,
      })
    )
  );
  for (const name of listeners.keys()) hear(name);
  socket.on("connect", () => {
    openSince = Date.now();
    join();
  });
  socket.on("events", take);
  socket.on("disconnect", (reason) => {
    lost();
    if (reason === "io server disconnect") later(join, AGAIN_AFTER);
  });
  socket.on("connect_error", () => {
    // Refused by the server, which the library does not try again: signed out, or too many tabs.
    if (!socket?.active) later(wake, REFUSED_AGAIN_AFTER);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") wake();
  });
  addEventListener("online", wake);
  document.addEventListener("careroom:unlocked", () => {
    locked = false;
    if (state === "refused") become("disconnected");
    wake();
  });
  // An open socket would keep the page out of the browser's back-and-forward cache.
  addEventListener("pagehide", () => socket?.disconnect());
  addEventListener("pageshow", (event) => {
    if (event.persisted) wake();
  });
}

/** @param {string} name */
function hear(name) {
  socket?.on(name, (said) => {
    for (const handler of listeners.get(name) ?? []) handler(said);
  });
}

/** Looks for what was missed, now: the page came back, or the network did. */
function wake() {
  if (!socket) return;
  if (socket.connected) {
    join();
    return;
  }
  socket.disconnect(); // ends a long wait between two tries
  socket.connect();
}

function join() {
  clearTimeout(nextTimer);
  joining ??= joinOnce().finally(() => {
    joining = undefined;
  });
}

async function joinOnce() {
  if (!socket?.connected) {
    socket?.connect();
    return;
  }
  let renewed = false;
  if (Date.now() - ticketSince > RENEW_AFTER) {
    renewed = await renew();
    if (state === "refused") return;
  }
  let answer = await show();
  if (!answer.ok && answer.reason !== "busy" && answer.reason !== "timeout" && !renewed && (await renew())) {
    answer = await show();
  }
  if (answer.ok) {
    joined();
    // A ticket that was not renewed in time works a little longer: no reason to ask without a pause.
    later(join, Math.max(RENEW_AFTER - (Date.now() - ticketSince) + 1_000, pause()));
  } else if (state !== "refused") {
    later(join, pause());
  }
}

/** How long to wait before the next try: a locked page says itself when it is unlocked. */
function pause() {
  return locked ? REFUSED_AGAIN_AFTER : AGAIN_AFTER;
}

/** @returns {Promise<Answer>} */
async function show() {
  try {
    if (!socket) return { ok: false, reason: "timeout" };
    return await socket.timeout(ANSWER_WITHIN).emitWithAck("join", { ticket, seq });
  } catch {
    return { ok: false, reason: "timeout" };
  }
}

/**
 * Exchanges the ticket for a fresh one.
 * @returns {Promise<boolean>} false when there is none, for now or for good (the state is "refused" then)
 */
async function renew() {
  const { ticketUrl } = document.body.dataset;
  if (!ticketUrl) return false;
  const token = document.querySelector("meta[name='csrf-token']")?.getAttribute("content") ?? "";
  try {
    const response = await fetch(ticketUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token, "X-Panel": "1" },
      body: JSON.stringify({ ticket }),
      redirect: "manual",
    });
    locked = response.status === 423;
    if (response.ok) {
      ticket = (await response.json()).ticket;
      ticketSince = Date.now();
      return true;
    }
    // A redirect (to the sign-in), 4xx: this page's time is over. 5xx, 429, and locked (423): try again later.
    if (response.status < 500 && response.status !== 429 && !locked) refused();
  } catch {
    // No network: the next connection tries again.
  }
  return false;
}

/** @param {Batch} batch */
function take(batch) {
  for (const event of batch.events) {
    if (event.seq <= seq && !batch.reset) continue;
    seq = event.seq;
    tell("careroom:event", event);
  }
  seq = batch.reset ? batch.seq : Math.max(seq, batch.seq);
  if (batch.reset) tell("careroom:reset", { seq });
}

function joined() {
  clearTimeout(lossTimer);
  lossTimer = undefined;
  live = true;
  become("connected");
  tell("careroom:joined", {});
}

function lost() {
  live = false;
  clearTimeout(nextTimer);
  if (state === "refused") return;
  lossTimer ??= setTimeout(() => {
    lossTimer = undefined;
    become("disconnected");
  }, SAY_AFTER);
}

function refused() {
  clearTimeout(lossTimer);
  live = false;
  become("refused");
  socket?.disconnect();
}

/** @param {() => void} what @param {number} milliseconds */
function later(what, milliseconds) {
  clearTimeout(nextTimer);
  nextTimer = setTimeout(what, milliseconds * (1 + Math.random() * 0.2));
}

/** @param {State} next */
function become(next) {
  if (state === next) return;
  const first = state === "idle";
  state = next;
  for (const place of document.querySelectorAll("[data-connection]")) {
    if (!(place instanceof HTMLElement)) continue;
    // That the line works is not worth an announcement on every page; that it broke, or works again, is.
    place.setAttribute("aria-live", first && next === "connected" ? "off" : "polite");
    const shown = next === "refused" ? "disconnected" : next;
    place.dataset.state = shown;
    const words = place.querySelector("[data-connection-word]") ?? place;
    words.textContent = place.dataset[shown] ?? "";
  }
  tell("careroom:connection", { state });
}

/** @param {string} name @param {unknown} detail */
function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}
