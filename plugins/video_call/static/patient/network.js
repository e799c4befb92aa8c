/** How good the connection is: how long an answer takes, and how fast some bytes come. */
import { base } from "./server.js";

const LONGEST = 6_000;

/** @returns {Promise<"good" | "fair" | "poor" | "none">} */
export async function measure() {
  if (!navigator.onLine) return "none";
  try {
    const begun = performance.now();
    const answer = await fetch(`${base}sample`, { cache: "no-store", signal: AbortSignal.timeout(LONGEST) });
    const delay = performance.now() - begun;
    const reading = performance.now();
    const size = (await answer.arrayBuffer()).byteLength;
    if (!answer.ok) return "none";
    const seconds = Math.max(0.001, (performance.now() - reading) / 1000);
    const kbps = (size * 8) / 1000 / Math.max(seconds, 0.02);
    if (delay > 1_500 || kbps < 250) return "poor";
    return delay > 500 || kbps < 900 ? "fair" : "good";
  } catch (error) {
    return error instanceof DOMException && error.name === "TimeoutError" ? "poor" : "none";
  }
}
