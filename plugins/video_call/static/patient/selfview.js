/** The small picture of oneself: dragged to a corner, or moved there with the arrow keys. */
import { announce, say } from "./parts.js";

const KEPT = "video_call.self";

/** @param {HTMLElement} box */
export function makeMovable(box) {
  const stage = box.parentElement;
  if (!stage) return;
  put(box, recall() ?? "bottom_end");
  /** @type {{x: number, y: number} | null} */
  let from = null;
  box.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, y: event.clientY };
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (!from) return;
    box.classList.add("dragged");
    box.style.translate = `${event.clientX - from.x}px ${event.clientY - from.y}px`;
  });
  const drop = () => {
    if (!from) return;
    from = null;
    const [picture, room] = [box.getBoundingClientRect(), stage.getBoundingClientRect()];
    const isLeft = picture.x + picture.width / 2 < room.x + room.width / 2;
    const isTop = picture.y + picture.height / 2 < room.y + room.height / 2;
    const moved = box.classList.contains("dragged");
    box.classList.remove("dragged");
    box.style.translate = "";
    if (moved) move(box, `${isTop ? "top" : "bottom"}_${isLeft === isLeftToRight() ? "start" : "end"}`);
  };
  box.addEventListener("pointerup", drop);
  box.addEventListener("pointercancel", drop);
  box.addEventListener("keydown", (event) => {
    const [row = "bottom", column = "end"] = (box.dataset.place ?? "").split("_");
    const forward = isLeftToRight() ? "ArrowRight" : "ArrowLeft";
    if (event.key === "ArrowUp" || event.key === "ArrowDown") move(box, `${event.key === "ArrowUp" ? "top" : "bottom"}_${column}`);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") move(box, `${row}_${event.key === forward ? "end" : "start"}`);
    else return;
    event.preventDefault();
  });
}

const isLeftToRight = () => document.dir !== "rtl";

/** @param {HTMLElement} box @param {string} corner */
function move(box, corner) {
  if (box.dataset.place === corner) return;
  put(box, corner);
  announce(say("moved", { place: say(`place_${corner}`) }));
  try {
    sessionStorage.setItem(KEPT, corner);
  } catch {
    // Private windows may refuse: then it is at its usual place next time.
  }
}

/** @param {HTMLElement} box @param {string} corner */
function put(box, corner) {
  box.dataset.place = corner;
}

function recall() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
