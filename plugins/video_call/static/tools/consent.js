/**
 * What the patient is asked for. The patient reads the question and taps; what is granted shows in a banner until it is
 * taken back. The clinician's tools learn here what holds.
 *
 * @typedef {"asked" | "granted" | "paused" | "refused" | "revoked"} State paused: granted, and the call is on hold
 * @typedef {{id: string, kind: string, state: State, wording: string}} Consent
 */
import { ask, make, on, onChange, part, Refusal, say } from "./host.js";
import { question } from "./question.js";

/** Grants that go on; the rest is for one time. */
const LOOK_AGAIN = 10_000; // a page that records and is closed cannot say that it stopped
const LASTING = new Set(["camera_control", "recording_video", "recording_audio"]);

export class Consents extends EventTarget {
  /** @param {import("./host.js").Tools} tools */
  constructor({ room, host, facts, signal }) {
    super();
    this.signal = signal;
    /** @type {number | undefined} */
    this.due = undefined;
    this.room = room;
    this.host = host;
    this.facts = facts;
    /** @type {Map<string, Consent>} by kind */
    this.known = new Map();
    this.recording = false;
    this.asking = 0;
  }

  /** @param {string} kind */
  state(kind) {
    return this.known.get(kind)?.state ?? "none";
  }

  /** @param {string} kind */
  id(kind) {
    return this.known.get(kind)?.id ?? "";
  }

  async refresh() {
    if (this.signal.aborted) return;
    const number = ++this.asking;
    try {
      const read = await ask(this.facts, "consents");
      if (number === this.asking) this.take(read);
    } catch {
      // The next change asks again.
    }
  }

  /** @param {{consents: Consent[], recording: boolean}} read */
  take(read) {
    if (this.signal.aborted) return;
    clearTimeout(this.due);
    if (read.recording) this.due = window.setTimeout(() => void this.refresh(), LOOK_AGAIN);
    const before = this.known;
    this.known = new Map(read.consents.map((one) => [one.kind, one]));
    this.recording = read.recording;
    this.dispatchEvent(new CustomEvent("change", { detail: before }));
  }

  /** The patient answers, or takes back. @param {string} path @param {unknown} json */
  async say(path, json) {
    this.asking += 1;
    this.take(await ask(this.facts, `consents/${path}`, { json }));
  }

  /** The clinician no longer asks. @param {string} kind */
  async withdraw(kind) {
    await this.say(`${this.id(kind)}/withdraw`, {});
  }
}

/** @param {import("./host.js").Tools} tools */
export function mountConsents(tools) {
  const { room, host, facts } = tools;
  const consents = new Consents(tools);
  const banners = make("banners");
  host.stage.append(banners);
  onChange(tools, ["consent", "recording", "document", "admit", "resume", "hold", "end"], () => consents.refresh());
  on(room, "state", () => consents.refresh());
  if (facts.role === "patient") asked(tools, consents);
  on(consents, "change", () => draw(consents, banners));
  void consents.refresh();
  return consents;
}

/** @param {Consents} consents @param {HTMLElement} banners */
function draw(consents, banners) {
  const { facts, host } = consents;
  const wanted = [...consents.known.values()].filter((one) => {
    if (one.state !== "granted" || !LASTING.has(one.kind)) return false;
    return facts.role === "patient" || consents.recording || !one.kind.startsWith("recording");
  });
  for (const shown of [...banners.children]) if (!wanted.some((one) => one.id === /** @type {HTMLElement} */ (shown).dataset.consent)) shown.remove();
  for (const one of wanted) {
    const known = [...banners.children].find((shown) => /** @type {HTMLElement} */ (shown).dataset.consent === one.id);
    const banner = /** @type {HTMLElement} */ (known ?? make("banner"));
    const words = say(facts, `banner_${one.kind.startsWith("recording") ? (consents.recording ? "recording" : "may_record") : one.kind}_${facts.role}`);
    const text = part(banner, "[data-ct-text]", HTMLElement);
    if (text.textContent !== words) {
      text.textContent = words;
      host.announce(words);
    }
    if (known) continue;
    banner.dataset.consent = one.id;
    banner.dataset.kind = one.kind;
    const stop = part(banner, "button", HTMLButtonElement);
    stop.hidden = facts.role !== "patient";
    stop.addEventListener("click", async () => {
      stop.disabled = true;
      try {
        await consents.say(`${one.id}/revoke`, {});
        host.announce(say(facts, "revoked"));
      } catch (error) {
        stop.disabled = false;
        host.announce(error instanceof Refusal ? error.message : say(facts, "failed"));
      }
    });
    banners.append(banner);
  }
}

/** The question, on the patient's page. @param {import("./host.js").Tools} tools @param {Consents} consents */
function asked(tools, consents) {
  const { facts, host } = tools;
  /** @type {Consent | undefined} */
  let open;
  const dialog = question(tools, answer);

  on(consents, "change", () => {
    open = [...consents.known.values()].find((one) => one.state === "asked");
    if (!open) return dialog.close();
    dialog.mark(open.kind);
    dialog.ask(open.id, open.wording);
  });

  /** @param {boolean} granted */
  async function answer(granted) {
    if (!open) return;
    const { id, kind } = open;
    dialog.enable(false);
    try {
      await consents.say(id, { granted });
      const device = /** @type {const} */ ({ microphone_on: "microphone", camera_on: "camera" })[kind];
      if (!granted || !device) return;
      await host.devices?.turn(device, true);
      consents.dispatchEvent(new CustomEvent("turned", { detail: device }));
    } catch (error) {
      dialog.fail(error instanceof Refusal ? error.message : say(facts, "failed"));
      dialog.enable(true);
      await consents.refresh();
    }
  }
}
