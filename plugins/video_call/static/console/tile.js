/** The self-view: a small tile that is moved by mouse, finger or arrow keys. */
import { part, prefer, preferences, root } from "./page.js";
import { announce, say } from "./words.js";

const STEP = 24;
const MARGIN = 8;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Its place is kept as a share of the free room, so that it stays inside whatever the window's size. */
export function movable() {
  const tile = part("[data-self]", HTMLElement, root);
  const stage = part("[data-stage]", HTMLElement, root);
  let place = preferences().tile ?? { x: 1, y: 1 };
  /** @type {{id: number, x: number, y: number} | undefined} */
  let held;

  function room() {
    return {
      width: Math.max(0, stage.clientWidth - tile.offsetWidth - 2 * MARGIN),
      height: Math.max(0, stage.clientHeight - tile.offsetHeight - 2 * MARGIN),
    };
  }

  function draw() {
    const { width, height } = room();
    tile.style.setProperty("--x", `${MARGIN + place.x * width}px`);
    tile.style.setProperty("--y", `${MARGIN + place.y * height}px`);
  }

  /** @param {number} dx @param {number} dy pixels */
  function shift(dx, dy) {
    const { width, height } = room();
    place = { x: within(place.x + (width ? dx / width : 0)), y: within(place.y + (height ? dy / height : 0)) };
    draw();
  }

  function isTile() {
    return root.dataset.phase === "call";
  }

  tile.addEventListener("pointerdown", (event) => {
    if (!isTile() || event.button !== 0) return;
    held = { id: event.pointerId, x: event.clientX, y: event.clientY };
    tile.setPointerCapture(event.pointerId);
    tile.setAttribute("data-moving", "");
  });
  tile.addEventListener("pointermove", (event) => {
    if (!held || event.pointerId !== held.id) return;
    shift(event.clientX - held.x, event.clientY - held.y);
    held = { id: held.id, x: event.clientX, y: event.clientY };
  });
  for (const end of ["pointerup", "pointercancel"]) {
    tile.addEventListener(end, () => {
      if (!held) return;
      held = undefined;
      tile.removeAttribute("data-moving");
      prefer({ tile: place });
    });
  }
  tile.addEventListener("keydown", (event) => {
    const way = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (!isTile() || (!way && event.key !== "Home")) return;
    event.preventDefault();
    if (way) shift((way[0] ?? 0) * STEP, (way[1] ?? 0) * STEP);
    else place = { x: 1, y: 1 };
    draw();
    prefer({ tile: place });
    announce(say("moved"));
  });
  new ResizeObserver(draw).observe(stage);
  draw();
}

/** @param {number} share */
function within(share) {
  return Math.min(1, Math.max(0, share));
}
