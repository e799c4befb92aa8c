/**
 * Keeps <time datetime data-relative-time> true while the page is open. The server's words stay until they are wrong.
 */

const EVERY = 20_000;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/** Begins to look, once; a page that nobody sees is left alone. */
export function start() {
  if (start.done) return;
  start.done = true;
  refresh();
  setInterval(() => {
    if (document.visibilityState === "visible") refresh();
  }, EVERY);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("careroom:panel", refresh);
}
start.done = false;

function refresh() {
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto" });
  const now = Date.now();
  for (const element of document.querySelectorAll("time[datetime][data-relative-time], time[datetime][data-relative]")) {
    const words = relative(format, (Date.parse(element.getAttribute("datetime") ?? "") - now) / 1000);
    if (words === undefined) continue;
    const before = shown.get(element);
    shown.set(element, words);
    if (before !== undefined && before !== words) element.textContent = words;
  }
}

/**
 * @param {Intl.RelativeTimeFormat} format
 * @param {number} seconds until then; negative for the past
 * @returns {string | undefined} undefined beyond a week, where the server writes the date
 */
function relative(format, seconds) {
  const size = Math.abs(seconds);
  if (Number.isNaN(size) || size >= WEEK) return undefined;
  if (size < MINUTE) return format.format(0, "second");
  if (size < HOUR) return format.format(Math.trunc(seconds / MINUTE), "minute");
  if (size < DAY) return format.format(Math.trunc(seconds / HOUR), "hour");
  return format.format(Math.trunc(seconds / DAY), "day");
}
