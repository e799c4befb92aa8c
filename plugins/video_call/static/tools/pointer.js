/** Pointing: a dot where the other side's mouse or finger is, on whatever both see. Nothing of it is kept. */
import { button, make, on, press, say } from "./host.js";
import { contentOf, shareOf } from "./surface.js";

const EVERY = 33;
const FADES = 2500;

/**
 * @param {import("./host.js").Tools} tools
 * @param {() => HTMLElement | null} shared what both sides see: a board, a file, a screen
 */
export function mountPointer({ room, host, facts, signal }, shared) {
  let active = false;
  let last = 0;
  /** @type {Map<string, {dot: HTMLElement, timer: number}>} */
  const dots = new Map();
  const surface = () => shared() ?? host.patientPicture() ?? null;
  // A finger covers what it points at, and a phone's bar has no room to spare.
  const cannot = facts.role === "guest" || (facts.role === "patient" && matchMedia("(pointer: coarse)").matches);
  const toggle = cannot ? null : button(host, "pointer", () => turn(!active));

  /** @param {boolean} is */
  function turn(is) {
    active = is;
    host.stage.toggleAttribute("data-ct-pointing", is);
    if (toggle) press(toggle, is);
    host.announce(say(facts, is ? "pointing" : "not_pointing"));
    if (!is) room.pointer({ x: -1, y: -1 });
  }

  document.addEventListener("pointermove", (event) => {
    const now = performance.now();
    const target = surface();
    if (!active || !target || now - last < EVERY) return;
    const { x, y } = shareOf(contentOf(target), event);
    last = now;
    const inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
    room.pointer(inside ? { x: round(isMirrored(target) ? 1 - x : x), y: round(y) } : { x: -1, y: -1 });
  }, { signal });
  document.addEventListener("keydown", (event) => {
    if (active && event.key === "Escape") turn(false);
  }, { signal });

  on(room, "pointer", ({ from, x, y }) => {
    const target = surface();
    const known = dots.get(from);
    clearTimeout(known?.timer);
    if (!target || x < 0 || y < 0 || x > 1 || y > 1) {
      known?.dot.remove();
      dots.delete(from);
      return;
    }
    const dot = known?.dot ?? host.stage.appendChild(make("dot"));
    const [box, place] = [contentOf(target), host.stage.getBoundingClientRect()];
    const across = isMirrored(target) ? 1 - x : x;
    dot.dataset.x = String(x);
    dot.dataset.y = String(y);
    dot.style.setProperty("--x", `${box.left - place.left + across * box.width}px`);
    dot.style.setProperty("--y", `${box.top - place.top + y * box.height}px`);
    const timer = window.setTimeout(() => {
      dot.remove();
      dots.delete(from);
    }, FADES);
    dots.set(from, { dot, timer });
  });
}

/** A self-view is mirrored; a place in it is meant in the picture. @param {HTMLElement} element */
function isMirrored(element) {
  return element instanceof HTMLVideoElement && new DOMMatrix(getComputedStyle(element).transform).a < 0;
}

/** @param {number} share */
function round(share) {
  return Math.round(share * 10_000) / 10_000;
}
