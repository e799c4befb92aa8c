/**
 * Looking at photos: zoom, move, turn, with mouse, fingers or keys. Without this script the pictures are simply shown
 * whole.
 */

const SMALLEST = 1;
const LARGEST = 8;
const STEP = 1.4;

/** One picture in its frame. */
class Stage {
  /** @param {HTMLElement} frame */
  constructor(frame) {
    this.frame = frame;
    const picture = frame.querySelector("[data-stage-picture]");
    if (!(picture instanceof HTMLImageElement)) throw new Error("a stage has a picture");
    this.picture = picture;
    this.zoom = SMALLEST;
    this.x = this.y = this.turn = 0;
    /** @type {Map<number, PointerEvent>} */
    this.fingers = new Map();
    this.span = 0;
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, (event) => event instanceof PointerEvent && this.fingers.delete(event.pointerId));
    }
    frame.addEventListener("dblclick", () => this.scale(this.zoom > SMALLEST ? 1 / this.zoom : 2.5));
    frame.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-view]") : null;
      if (button) this.act(button.getAttribute("data-view") ?? "");
    });
    picture.addEventListener("load", () => this.draw());
    frame.querySelector("[data-tools]")?.removeAttribute("hidden");
    this.draw();
  }

  /** @param {string} what */
  act(what) {
    if (what === "in") this.scale(STEP);
    else if (what === "out") this.scale(1 / STEP);
    else if (what === "fit") this.fit();
    else if (what === "left") this.rotate(-90);
    else if (what === "right") this.rotate(90);
  }

  fit() {
    this.zoom = SMALLEST;
    this.x = this.y = 0;
    this.draw();
  }

  /** @param {number} degrees */
  rotate(degrees) {
    this.turn += degrees;
    this.x = this.y = 0;
    this.draw();
  }

  /**
   * Zoom, keeping what is under the point (seen from the middle of the frame) where it is.
   * @param {number} factor
   * @param {number} [px]
   * @param {number} [py]
   */
  scale(factor, px = 0, py = 0) {
    const before = this.zoom;
    this.zoom = Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    const real = this.zoom / before;
    this.x = px - (px - this.x) * real;
    this.y = py - (py - this.y) * real;
    this.draw();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  shift(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    const sideways = Math.abs(this.turn % 180) === 90;
    // A picture that lies on its side has to fit with its other edge.
    const { offsetWidth: w, offsetHeight: h } = this.picture;
    const fitted = sideways && w && h ? Math.min(width / h, height / w, 1.5) : 1;
    const size = this.zoom * fitted;
    const [seenWidth, seenHeight] = sideways ? [h * size, w * size] : [w * size, h * size];
    const roomX = Math.max(0, (seenWidth - width) / 2);
    const roomY = Math.max(0, (seenHeight - height) / 2);
    this.x = Math.min(roomX, Math.max(-roomX, this.x));
    this.y = Math.min(roomY, Math.max(-roomY, this.y));
    this.picture.style.transform = `translate(${this.x}px, ${this.y}px) rotate(${this.turn}deg) scale(${size})`;
    this.frame.toggleAttribute("data-zoomed", this.zoom > SMALLEST);
    const shown = this.frame.querySelector("[data-zoom]");
    if (shown) shown.textContent = `${Math.round(this.zoom * 100)} %`;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const box = this.frame.getBoundingClientRect();
    const factor = Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 180);
    this.scale(factor, event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.target instanceof Element && event.target.closest("[data-tools]")) return;
    this.frame.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event);
    this.span = this.#spread();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    this.fingers.set(event.pointerId, event);
    if (this.fingers.size === 1) return this.shift(event.clientX - before.clientX, event.clientY - before.clientY);
    const spread = this.#spread();
    if (this.span > 0 && spread > 0) this.scale(spread / this.span);
    this.span = spread;
  }

  #spread() {
    const [one, other] = [...this.fingers.values()];
    return one && other ? Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) : 0;
  }
}

const stages = [...document.querySelectorAll("[data-stage]")].map((frame) => new Stage(/** @type {HTMLElement} */ (frame)));
addEventListener("resize", () => stages.forEach((stage) => stage.draw()));

/** The stage that has the focus, else the first. */
function current() {
  return stages.find((stage) => stage.frame.contains(document.activeElement)) ?? stages[0];
}

/** @param {string} name */
function press(name) {
  const target = document.querySelector(`[data-go="${name}"]`);
  if (!(target instanceof HTMLElement)) return;
  if (name === "reject" && target.parentElement instanceof HTMLDetailsElement) {
    target.parentElement.open = true;
    target.parentElement.querySelector("select")?.focus();
  } else target.click();
}

// Single keys can be switched off (WCAG 2.1.4): those who speak to their computer would press them by accident.
const SWITCH = "careroom.photo_request.keys";
const choice = document.querySelector("[data-shortcuts-on]");
if (choice instanceof HTMLInputElement) {
  choice.checked = localStorage.getItem(SWITCH) !== "off";
  choice.addEventListener("change", () => localStorage.setItem(SWITCH, choice.checked ? "on" : "off"));
}

/** @type {Record<string, () => void>} */
const keys = {
  "+": () => current()?.act("in"),
  "=": () => current()?.act("in"),
  "-": () => current()?.act("out"),
  0: () => current()?.act("fit"),
  l: () => current()?.act("left"),
  r: () => current()?.act("right"),
  c: () => press("compare"),
  k: () => press("keep"),
  x: () => press("reject"),
  "?": () => press("help"),
};

addEventListener("keydown", (event) => {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]")) return;
  const stage = current();
  if (event.key.startsWith("Arrow") && stage && stage.zoom > SMALLEST && stage.frame.contains(document.activeElement)) {
    const far = 60;
    const [dx, dy] = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key] ?? [0, 0];
    stage.shift(dx ?? 0, dy ?? 0);
    event.preventDefault();
    return;
  }
  const forwards = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const backwards = document.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
  if (event.key === forwards) return press("next");
  if (event.key === backwards) return press("previous");
  if (choice instanceof HTMLInputElement && !choice.checked) return;
  const act = keys[event.key.toLowerCase()];
  if (act) {
    event.preventDefault();
    act();
  }
});

export {};
