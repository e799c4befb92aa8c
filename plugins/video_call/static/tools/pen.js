/**
 * What hands do on a board: draw, write and erase, by mouse, finger, pen or keys. Arrow keys move a cross; the space bar
 * puts the pen down and lifts it, Enter writes at the cross.
 *
 * @typedef {"pen" | "text" | "erase"} Mode
 * @typedef {{mode: () => Mode, begin: (x: number, y: number, pressure: number) => void, go: (points: [number, number, number][]) => void,
 *   end: () => void, erase: (x: number, y: number) => void, write: (x: number, y: number) => void, cross: (place: {x: number, y: number} | null) => void}} Hand
 */
import { short } from "./ops.js";

const STEP = 0.01;
const KEYS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Hand} hand
 */
export function hold(canvas, hand) {
  /** @type {number | null} */
  let down = null;
  const cross = { x: 0.5, y: 0.5, pen: false };

  /** @param {PointerEvent} event @returns {[number, number, number]} */
  function place(event) {
    const box = canvas.getBoundingClientRect();
    const pressure = event.pointerType === "pen" ? event.pressure : 0.5;
    return [short((event.clientX - box.left) / box.width), short((event.clientY - box.top) / box.height), short(pressure)];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || down !== null) return;
    event.preventDefault();
    canvas.focus();
    const [x, y, pressure] = place(event);
    if (hand.mode() === "text") {
      hand.write(x, y);
      return;
    }
    down = event.pointerId;
    canvas.setPointerCapture(event.pointerId);
    if (hand.mode() === "erase") hand.erase(x, y);
    else hand.begin(x, y, pressure);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== down) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    const points = (coalesced.length ? coalesced : [event]).map((one) => place(one));
    const [x = 0, y = 0] = points[points.length - 1] ?? [];
    if (hand.mode() === "erase") hand.erase(x, y);
    else hand.go(points);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (/** @type {PointerEvent} */ (event).pointerId !== down) return;
      down = null;
      hand.end();
    });
  }
  canvas.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (way) {
      const far = event.shiftKey ? STEP * 5 : STEP;
      cross.x = Math.min(1, Math.max(0, cross.x + way[0] * far));
      cross.y = Math.min(1, Math.max(0, cross.y + way[1] * far));
      if (cross.pen) hand.go([[short(cross.x), short(cross.y), 0.5]]);
    } else if (event.key === " ") {
      if (hand.mode() === "erase") hand.erase(cross.x, cross.y);
      else if (cross.pen) hand.end();
      else hand.begin(short(cross.x), short(cross.y), 0.5);
      cross.pen = !cross.pen && hand.mode() !== "erase";
    } else if (event.key === "Enter") hand.write(short(cross.x), short(cross.y));
    else return;
    event.preventDefault();
    hand.cross({ x: cross.x, y: cross.y });
  });
  canvas.addEventListener("blur", () => {
    if (cross.pen) hand.end();
    cross.pen = false;
    hand.cross(null);
  });
}
