/**
 * The patient's microphone and camera from the clinician's side. Off is at once and the patient undoes it; on is asked for.
 * Switch and zoom need the patient's one grant a call; a camera that cannot zoom is cropped on the clinician's screen.
 */
import { control, make, on, panelOf, part, say } from "./host.js";

const CAMERA = "camera_control";

/**
 * @param {import("./host.js").Tools} tools
 * @param {import("./consent.js").Consents} consents
 */
export function mountRemote(tools, consents) {
  if (tools.facts.role === "clinician") operate(tools, consents);
  else obey(tools, consents);
}

/** @param {import("./host.js").Tools} tools @param {import("./consent.js").Consents} consents */
function operate({ room, host, facts }, consents) {
  const { panel } = panelOf(host, "remote", opened);
  const range = part(panel, "input[type=range]", HTMLInputElement);
  const level = part(panel, "output", HTMLOutputElement);
  const note = part(panel, "[data-ct-note]", HTMLElement);
  let able = { cameras: 1, most_zoom: 1 };
  let due = 0;

  /** @param {boolean} is */
  function opened(is) {
    draw();
    if (is) part(panel, "[data-ct-control]:not([hidden])", HTMLButtonElement).focus();
  }

  function draw() {
    const now = consents.state(CAMERA);
    const state = now === "revoked" ? "none" : now === "paused" ? "granted" : now;
    const granted = state === "granted";
    panel.dataset.camera = state;
    for (const one of panel.querySelectorAll("[data-ct-when]")) {
      const when = /** @type {HTMLElement} */ (one);
      when.hidden = !(when.dataset.ctWhen ?? "").split(" ").includes(state);
    }
    part(panel, "[data-ct-control=camera_switch]", HTMLButtonElement).disabled = able.cameras < 2;
    if (!granted && range.value !== "1") zoom(1, false);
    const patient = [...room.people.values()].find((person) => person.role === "patient");
    for (const [name, is] of /** @type {const} */ ([["mic", patient?.state.muted === false], ["camera", patient?.state.camera === true]])) {
      part(panel, `[data-ct-control=${name}_off]`, HTMLElement).hidden = !is;
      part(panel, `[data-ct-control=ask_${name}_on]`, HTMLElement).hidden = is;
    }
    for (const [kind, name] of /** @type {const} */ ([["microphone_on", "mic"], ["camera_on", "camera"]])) {
      part(panel, `[data-ct-control=ask_${name}_on]`, HTMLButtonElement).disabled = consents.state(kind) === "asked";
    }
  }

  /** @param {string} text */
  function tell(text) {
    note.textContent = text;
    host.announce(text);
  }

  /** @param {number} to @param {boolean} send */
  function zoom(to, send) {
    range.value = String(to);
    level.value = `${Number(to).toFixed(1)}×`;
    if (able.most_zoom <= 1 || !send) crop(able.most_zoom > 1 ? 1 : to);
    clearTimeout(due);
    if (send) due = window.setTimeout(() => void command("camera_zoom", { level: Number(to) }), 60);
  }

  /** @param {number} to */
  function crop(to) {
    host.patientPicture()?.style.setProperty("scale", String(to));
  }

  /** @param {string} kind @param {Record<string, unknown>} [body] */
  async function command(kind, body = {}) {
    const answer = await (kind === "camera_switch" || kind === "camera_zoom" ? room.control(kind, body) : control(room, kind, body));
    if (answer.ok) {
      const key = kind.startsWith("ask_") ? "asked" : `did_${kind}`;
      if (facts.words[key]) tell(say(facts, key));
      if (kind.startsWith("ask_")) void consents.refresh();
      if (kind === "camera_switch") zoom(1, false); // the other one shows all that it sees
    } else tell(say(facts, ["consent_missing", "too_soon"].includes(answer.reason ?? "") ? (answer.reason ?? "") : "failed"));
  }

  panel.addEventListener("click", (event) => {
    const pressed = event.target instanceof Element ? event.target.closest("button[data-ct-control], button[data-ct-withdraw], button[data-ct-zoom]") : null;
    if (!(pressed instanceof HTMLButtonElement)) return;
    if (pressed.dataset.ctControl) void command(pressed.dataset.ctControl);
    else if (pressed.dataset.ctZoom) zoom(Math.min(5, Math.max(1, Number(range.value) + Number(pressed.dataset.ctZoom))), true);
    else void consents.withdraw(CAMERA).catch(() => consents.refresh());
  });
  range.addEventListener("input", () => zoom(Number(range.value), true));
  on(room, "control", ({ kind, body }) => {
    if (kind !== "camera_state") return;
    able = body;
    draw();
  });
  on(room, "people", draw);
  on(consents, "change", (before) => {
    const [was, is] = [before?.get(CAMERA)?.state, consents.state(CAMERA)];
    for (const kind of [CAMERA, "microphone_on", "camera_on"]) {
      const [old, now] = [before?.get(kind)?.state, consents.state(kind)];
      if (old === "asked" && now === "refused") tell(say(facts, "refused"));
    }
    if (was === "asked" && is === "granted") tell(say(facts, "granted"));
    if ((was === "granted" || was === "paused") && is === "revoked") tell(say(facts, "taken_back"));
    draw();
  });
  draw();
}

/** @param {import("./host.js").Tools} tools @param {import("./consent.js").Consents} consents */
function obey({ room, host, facts }, consents) {
  const media = import("../line/media.js");
  const notices = new Map();

  /** @param {"microphone" | "camera"} kind */
  async function off(kind) {
    await host.devices?.turn(kind, false);
    notices.get(kind)?.remove();
    const notice = make("off");
    notices.set(kind, notice);
    const words = say(facts, `off_${kind}`);
    part(notice, "[data-ct-text]", HTMLElement).textContent = words;
    const [undo, keep] = [part(notice, "[data-ct-undo]", HTMLButtonElement), part(notice, "[data-ct-close]", HTMLButtonElement)];
    undo.addEventListener("click", () => {
      notice.remove();
      void host.devices?.turn(kind, true);
    });
    keep.addEventListener("click", () => notice.remove());
    part(host.stage, "[data-ct-banners]", HTMLElement).append(notice);
    host.announce(words);
  }

  on(consents, "turned", (kind) => notices.get(kind)?.remove());

  async function report() {
    const { devices, zoomRange } = await media;
    const [{ cameras }, reach] = [await devices(), zoomRange()];
    const facing = room.tracks.video?.getSettings().facingMode ?? "";
    await room.control("camera_state", {
      cameras: Math.min(20, cameras.length),
      most_zoom: reach ? Math.min(100, reach.max / reach.min) : 1,
      zoom: reach ? Math.min(100, Math.max(1, reach.now / reach.min)) : 1,
      facing: ["user", "environment", "left", "right"].includes(facing) ? facing : "",
    });
  }

  /** @param {number} level */
  async function zoom(level) {
    const { zoom: set, zoomRange } = await media;
    const reach = zoomRange();
    if (reach) await set(Math.min(reach.max, reach.min * level)).catch(() => false);
  }

  on(room, "control", async ({ kind, body }) => {
    if (kind === "mic_off") await off("microphone");
    else if (kind === "camera_off") await off("camera");
    // The server checked the grant; it is looked at here once more, for it may have been taken back meanwhile.
    else if (kind === "camera_zoom" && consents.state(CAMERA) === "granted") await zoom(body.level);
    else if (kind === "camera_switch" && consents.state(CAMERA) === "granted") {
      await host.devices?.switchCamera().catch(() => undefined);
      await report();
    }
  });
  on(consents, "change", (before) => {
    const [was, is] = [before?.get(CAMERA)?.state, consents.state(CAMERA)];
    if (is === "granted" && was !== "granted") void report();
    if ((was === "granted" || was === "paused") && is !== "granted" && is !== "paused") void zoom(1);
  });
  on(room, "people", ({ people }) => {
    // A clinician whose page was loaded again knows nothing of this camera.
    const clinician = [...people.values()].some((/** @type {any} */ person) => person.role === "clinician" && person.here);
    if (clinician && consents.state(CAMERA) === "granted") void report();
  });
}
