/** Pointing: a dot where the other side's mouse is, on the same board, file, screen or picture, where that is seen. Nothing of it is kept. */
import { button, make, on, press, say } from "./host.js";
import { contentOf, shareOf } from "./surface.js";

const EVERY = 33;
const FADES = 2500;
const NOWHERE = { on: "", x: -1, y: -1 };

/** @typedef {{name: string, element: HTMLElement}} Surface its name is the same on every page that shows it */

/**
 * @param {import("./host.js").Tools} tools
 * @param {() => Surface | null} cover what lies over everything: a board, a file
 */
export function mountPointer({ room, host, facts, signal }, cover) {
  let active = false;
  let last = 0;
  /** @type {Map<string, {dot: HTMLElement, timer: number}>} */
  const dots = new Map();
  // A finger covers what it points at, and a phone's bar has no room to spare.
  const cannot = facts.role === "guest" || (facts.role === "patient" && matchMedia("(pointer: coarse)").matches);
  const toggle = cannot ? null : button(host, "pointer", () => turn(!active));

  /** What this page shows, the topmost first. @returns {Surface[]} */
  function surfaces() {
    const over = cover();
    const below = /** @type {const} */ ([["picture", host.patientPicture()], ["screen", host.screen()]]);
    return over ? [over] : below.flatMap(([kind, element]) => (element ? [{ name: `${kind} ${senderOf(element)}`, element }] : []));
  }

  /** @param {HTMLVideoElement} video */
  function senderOf({ srcObject }) {
    const sent = [...room.streams].find(([, { main, screen }]) => srcObject === main || srcObject === screen);
    return sent?.[0] ?? room.me?.id;
  }

  /** @param {boolean} is */
  function turn(is) {
    active = is;
    host.stage.toggleAttribute("data-ct-pointing", is);
    if (toggle) press(toggle, is);
    host.announce(say(facts, is ? "pointing" : "not_pointing"));
    if (!is) room.pointer(NOWHERE);
  }

  document.addEventListener("pointermove", (event) => {
    const now = performance.now();
    if (!active || now - last < EVERY) return;
    last = now;
    const found = surfaces().map(({ name, element }) => ({ on: name, ...placeIn(element, event) })).find(isInside);
    room.pointer(found ?? NOWHERE);
  }, { signal });
  document.addEventListener("keydown", (event) => {
    if (active && event.key === "Escape") turn(false);
  }, { signal });

  on(room, "pointer", ({ from, on: name, x, y }) => {
    const element = surfaces().find((one) => one.name === name)?.element;
    const known = dots.get(from);
    clearTimeout(known?.timer);
    const box = element && contentOf(element);
    if (!element || !box?.width || !isInside({ x, y })) {
      known?.dot.remove();
      dots.delete(from);
      return;
    }
    const dot = known?.dot ?? host.stage.appendChild(make("dot"));
    const place = host.stage.getBoundingClientRect();
    const across = isMirrored(element) ? 1 - x : x;
    Object.assign(dot.dataset, { on: name, x, y });
    dot.style.setProperty("--x", `${box.left - place.left + across * box.width}px`);
    dot.style.setProperty("--y", `${box.top - place.top + y * box.height}px`);
    const timer = window.setTimeout(() => {
      dot.remove();
      dots.delete(from);
    }, FADES);
    dots.set(from, { dot, timer });
  });
}

/**
 * Where in what an element shows the pointer is; outside of 0 to 1 where it is beside it, or where its frame cuts it off.
 * @param {HTMLElement} element
 * @param {PointerEvent} event
 */
function placeIn(element, event) {
  if (!isInside(shareOf((element.parentElement ?? element).getBoundingClientRect(), event))) return NOWHERE;
  const { x, y } = shareOf(contentOf(element), event);
  return { x: round(isMirrored(element) ? 1 - x : x), y: round(y) };
}

/** @param {{x: number, y: number}} place */
const isInside = ({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1;

/** A self-view is mirrored; a place in it is meant in the picture. @param {HTMLElement} element */
function isMirrored(element) {
  return element instanceof HTMLVideoElement && new DOMMatrix(getComputedStyle(element).transform).a < 0;
}

/** @param {number} share */
function round(share) {
  return Math.round(share * 10_000) / 10_000;
}
