/** Drawing together on a blank page or over the shared screen. What is drawn goes to the others at once and to the server. */
import { ask, button, control, make, on, part, press, Refusal, say } from "./host.js";
import { Log } from "./log.js";
import { at, short, standing } from "./ops.js";

/** @typedef {import("./ops.js").Op} Op */
/** @typedef {"page" | "screen"} Name */

const PAGE_RATIO = 3 / 4;
const LONGEST = 250; // points in one message; a longer line goes on in the next
const REACH = 0.012;

/** @param {import("./host.js").Tools} tools */
export function mountDraw(tools) {
  const { room, host, facts } = tools;
  const cover = make("board");
  const canvas = part(cover, "canvas", HTMLCanvasElement);
  const video = part(cover, "video", HTMLVideoElement);
  const sheet = part(cover, "[data-ct-sheet]", HTMLElement);
  const input = part(cover, "[data-ct-write]", HTMLTextAreaElement);
  const cross = part(cover, "[data-ct-cross]", HTMLElement);
  const note = part(cover, "[data-ct-note]", HTMLElement);
  const log = new Log(tools, { changed: () => draw(), refused: (why) => tell(say(facts, why === "board_full" ? "board_full" : "failed")) });
  /** @type {Name | null} */
  let open = null;
  let opener = false;
  let awaited = facts.board === "screen"; // open already: shown once the screen itself is here
  /** @type {import("./pen.js").Mode} */
  let mode = "pen";
  let colour = "ink";
  /** @type {Op | null} */
  let drawing = null;
  /** @type {Map<string, MediaStream>} */
  const screens = new Map();
  /** @type {typeof import("./paint.js") | undefined} */
  let painter;
  let due = 0;
  /** @type {Promise<unknown> | undefined} resolved once the canvas takes what is drawn */
  let pen;
  let where = { x: 0, y: 0 };

  cover.hidden = true;
  host.stage.append(cover);
  const page = facts.may_draw ? button(host, "draw", () => (open === "page" ? close(true) : show("page", true))) : null;
  const over = facts.may_draw ? button(host, "draw-screen", () => (open === "screen" ? close(true) : show("screen", true))) : null;
  if (over) over.hidden = true;
  for (const tool of cover.querySelectorAll("[data-ct-draws]")) /** @type {HTMLElement} */ (tool).hidden = !facts.may_draw;
  part(cover, "[data-ct-keep]", HTMLElement).hidden = facts.role !== "clinician";

  const ratio = () => (open === "screen" && video.videoWidth ? video.videoHeight / video.videoWidth : PAGE_RATIO);
  const shown = () => (open ? standing(log.boards[open].values()) : []);
  const screen = () => (room.tracks.screen ? new MediaStream([room.tracks.screen]) : ([...screens.values()][0] ?? null));

  /** @param {Name} name @param {boolean} own */
  async function show(name, own) {
    if (open === name) return;
    const before = document.activeElement;
    [open, opener] = [name, own];
    cover.dataset.board = name;
    cover.hidden = false;
    video.srcObject = name === "screen" ? screen() : null;
    if (name === "screen") void video.play().catch(() => undefined);
    marks();
    host.announce(say(facts, name === "page" ? "board_open" : "board_screen_open"));
    if (own) void control(room, "board", { board: name, open: true });
    painter ??= await import("./paint.js");
    await pen;
    if (facts.may_draw && own && (!before || host.bar.contains(before))) canvas.focus();
    await replay(name);
    draw();
    requestAnimationFrame(() => (canvas.dataset.ready = "")); // it has its size now
  }

  /** @param {boolean} tell the others, too */
  function close(tell) {
    if (!open) return;
    finish();
    if (tell) void control(room, "board", { board: open, open: false });
    open = null;
    opener = false;
    cover.hidden = true;
    video.srcObject = null;
    marks();
    host.announce(say(facts, "board_closed"));
  }

  function marks() {
    if (page) press(page, open === "page");
    if (over) {
      press(over, open === "screen");
      over.hidden = open !== "screen" && !screen();
    }
  }

  /** The board lies over the screen that is shared now; without one there is none. */
  function follow() {
    if (!screen() && open === "screen") close(false);
    else if (open === "screen") video.srcObject = screen();
    else if (awaited && screen()) void show("screen", false);
    awaited &&= !screen();
    marks();
  }

  /** @param {Name} name */
  async function replay(name) {
    await log.read(name, () => ask(facts, `boards/${name}`)).catch(() => tell(say(facts, "board_failed")));
  }

  /** @param {Op["op"]} op @param {any} body @param {string} [key] */
  async function put(op, body, key = crypto.randomUUID()) {
    if (open) await log.put(open, op, body, key);
  }

  function finish() {
    if (drawing) void put("stroke", drawing.body, drawing.key);
    drawing = null;
    input.hidden = true;
  }

  /** @param {string} text */
  function tell(text) {
    note.textContent = text;
    note.hidden = !text;
    host.announce(text);
  }

  function draw() {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => {
      if (!open || !painter) return;
      const [wide, high] = [cover.clientWidth, sheet.parentElement?.clientHeight ?? 0];
      const width = Math.max(1, Math.min(wide, high / ratio()));
      sheet.style.setProperty("inline-size", `${width}px`);
      sheet.style.setProperty("block-size", `${width * ratio()}px`);
      const sharp = devicePixelRatio || 1;
      canvas.width = Math.round(width * sharp);
      canvas.height = Math.round(width * ratio() * sharp);
      const context = canvas.getContext("2d");
      const ops = drawing ? [...shown(), drawing] : shown();
      if (context) painter.paint(context, ops, canvas.width, canvas.height);
      canvas.dataset.marks = String(ops.length);
      part(cover, "[data-ct-words]", HTMLElement).textContent = ops.filter((one) => one.op === "text").map((one) => one.body.text).join("\n");
    });
  }

  if (facts.may_draw) {
    pen = import("./pen.js").then(({ hold }) =>
      hold(canvas, {
        mode: () => mode,
        begin: (x, y, pressure) => {
          drawing = { key: crypto.randomUUID(), op: "stroke", body: { points: [[x, y, pressure]], colour, size: 0.006 } };
          draw();
        },
        go: (points) => {
          if (!drawing) return;
          drawing.body.points.push(...points);
          if (drawing.body.points.length >= LONGEST) {
            const last = drawing.body.points[drawing.body.points.length - 1];
            const { key, body } = drawing;
            drawing = { key: crypto.randomUUID(), op: "stroke", body: { points: [last], colour, size: 0.006 } };
            void put("stroke", { ...body, points: body.points.slice(0, LONGEST) }, key);
          }
          draw();
        },
        end: finish,
        erase: (x, y) => {
          const hit = at(shown(), x, y, REACH, ratio());
          if (hit.length) void put("erase", { of: hit });
        },
        write: (x, y) => {
          where = { x: short(Math.min(x, 0.98)), y: short(Math.min(y, 0.96)) };
          input.style.setProperty("--x", `${where.x * 100}%`);
          input.style.setProperty("--y", `${where.y * 100}%`);
          input.value = "";
          input.hidden = false;
          setTimeout(() => input.focus());
        },
        cross: (place) => {
          cross.hidden = !place;
          if (place) {
            cross.style.setProperty("--x", `${place.x * 100}%`);
            cross.style.setProperty("--y", `${place.y * 100}%`);
          }
        },
      }),
    );
  }

  function wrote() {
    const text = input.value.trim();
    if (input.hidden) return;
    input.hidden = true;
    if (text) void put("text", { ...where, text: text.slice(0, 300), colour, size: 0.03 });
  }
  input.addEventListener("blur", wrote);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = "";
    if (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    wrote();
    canvas.focus();
  });

  cover.addEventListener("click", (event) => {
    const pressed = event.target instanceof Element ? event.target.closest("[data-ct-do]") : null;
    if (pressed instanceof HTMLElement) void act(pressed.dataset.ctDo ?? "", pressed);
  });
  cover.addEventListener("change", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.name === "ct-colour") colour = event.target.value;
  });

  /** @param {string} what @param {HTMLElement} pressed */
  async function act(what, pressed) {
    tell("");
    if (what === "close") close(true);
    else if (what === "clear") await put("clear", {});
    else if (what === "undo") {
      const own = shown().filter((one) => one.author === room.me?.id);
      const last = own[own.length - 1];
      if (last) await put("erase", { of: [last.key] });
    } else if (what === "keep") await keep(pressed);
    else {
      mode = /** @type {import("./pen.js").Mode} */ (what);
      cover.dataset.mode = mode;
      for (const one of cover.querySelectorAll("[data-ct-mode]")) press(/** @type {HTMLElement} */ (one), one === pressed);
    }
  }

  /** @param {HTMLElement} pressed */
  async function keep(pressed) {
    if (!open || !painter) return;
    pressed.toggleAttribute("data-busy", true);
    try {
      const below = open === "screen" && video.videoWidth ? video : null;
      const body = await painter.picture(shown(), ratio(), below);
      await ask(facts, `boards/${open}/keep`, { body, type: "image/png" });
      tell(say(facts, "kept"));
    } catch (error) {
      tell(error instanceof Refusal ? error.message : say(facts, "failed"));
    } finally {
      pressed.toggleAttribute("data-busy", false);
    }
  }

  new ResizeObserver(draw).observe(cover);
  video.addEventListener("resize", draw);
  on(room, "control", ({ kind, body }) => {
    if (kind !== "board") return;
    if (body.open) void show(body.board, false);
    else if (open === body.board) close(false);
  });
  on(room, "stroke", ({ from, board, op, body, key, number }) => {
    const role = room.people.get(from)?.role;
    if (role !== "clinician" && !(role === "patient" && facts.patient_may_draw)) return;
    log.hear({ from, board, op, body, key, number });
  });
  on(room, "entered", async () => {
    await log.again();
    if (open) await replay(open);
  });
  on(room, "people", () => {
    marks();
    if (open && opener) void room.control("board", { board: open, open: true }); // who comes back sees it, too
  });
  on(room, "stream", ({ person, stream, kind }) => {
    if (kind !== "screen") return;
    const id = typeof person === "string" ? person : String(person?.id ?? "");
    if (stream) screens.set(id, stream);
    else screens.delete(id);
    follow();
  });
  on(room, "sharing", follow);
  if (facts.board === "page") void show("page", false); // it was open when this page was loaded

  return {
    /** @returns {import("./pointer.js").Surface | null} */
    surface: () => (open ? { name: `board ${open}`, element: canvas } : null),
  };
}
