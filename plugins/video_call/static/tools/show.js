/** A picture of the chat or the record, large for everybody. */
import { control, make, on, part, say } from "./host.js";

/** @param {import("./host.js").Tools} tools */
export function mountShow({ room, host, facts }) {
  const cover = make("show");
  const image = part(cover, "img", HTMLImageElement);
  const close = part(cover, "[data-ct-close]", HTMLButtonElement);
  let shown = "";
  let mine = false;
  cover.hidden = true;
  host.stage.append(cover);

  function draw() {
    cover.hidden = !shown;
    close.hidden = facts.role === "guest";
    if (shown) image.src = `${facts.base}files/${shown}/large`;
    else image.removeAttribute("src");
  }

  /** @param {string} file @param {boolean} own */
  function set(file, own) {
    if (file && file !== shown) host.announce(say(facts, "shown"));
    shown = file;
    mine = own;
    draw();
  }

  /** @param {string} file */
  async function open(file) {
    set(file, true);
    const answer = await control(room, "show_file", { file });
    if (!answer.ok) set("", false);
  }

  close.addEventListener("click", () => {
    set("", false);
    void control(room, "show_file", { file: null });
  });
  on(room, "control", ({ kind, body }) => {
    if (kind === "show_file") set(body.file ?? "", false);
  });
  if (facts.shown) set(facts.shown, false);
  // Who comes (back) sees what is shown.
  on(room, "people", () => {
    if (mine && shown) void room.control("show_file", { file: shown });
  });
  return {
    open,
    /** @returns {import("./pointer.js").Surface | null} what can be pointed at */
    surface: () => (cover.hidden ? null : { name: `file ${shown}`, element: image }),
  };
}
