/** The dialog "Devices and picture": which camera, microphone and speaker; background; size and bandwidth. */
import { openDialog } from "careroom/dialog";
import { toast } from "careroom/toast";
import { levelOf } from "../patient/level.js";
import { playTest } from "../patient/sound.js";
import { choose, local, missing, own, resize, track } from "./own.js";
import { part, prefer, preferences, toolButton } from "./page.js";
import { useSpeaker } from "./people.js";
import { say } from "./words.js";

const KINDS = /** @type {const} */ ({ camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" });

/**
 * @param {{background: (which: string) => Promise<void>, bandwidth: (kbps: number | null) => void, captions: (on: boolean) => void}} apply
 */
export function settings(apply) {
  const dialog = part("#vc-settings", HTMLDialogElement);
  const form = part("[data-settings]", HTMLFormElement);
  const meter = part("[data-meter]", HTMLMeterElement);
  const trouble = part("[data-device-trouble]", HTMLElement);
  const kept = preferences();
  /** @type {(() => void) | undefined} */
  let quiet;

  for (const name of /** @type {const} */ (["height", "bandwidth", "photo"])) {
    const value = kept[name];
    const select = choice(name);
    if (value !== undefined && [...select.options].some((one) => one.value === value)) select.value = value;
  }
  const captions = part("#vc-captions", HTMLInputElement);
  captions.checked = kept.captions !== false;
  apply.captions(captions.checked);
  if (kept.bandwidth) apply.bandwidth(Number(kept.bandwidth));
  if (kept.speaker) useSpeaker(kept.speaker);
  part("[data-speaker-row]", HTMLElement).hidden = !("setSinkId" in HTMLMediaElement.prototype);

  async function list() {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
    for (const [name, kind] of Object.entries(KINDS)) {
      const found = (devices ?? []).filter((one) => one.kind === kind && one.deviceId);
      const options = found.map((one, nth) => new Option(one.label || `${nth + 1}`, one.deviceId));
      const select = choice(name);
      select.replaceChildren(...(options.length ? options : [new Option(say("default_device"), "")]));
      select.disabled = !options.length;
      const current = name === "speaker" ? kept.speaker : track(name === "camera" ? "camera" : "microphone")?.getSettings().deviceId ?? kept[name === "camera" ? "camera" : "microphone"];
      if (current && options.some((one) => one.value === current)) select.value = current;
    }
    const why = missing.camera ?? missing.microphone;
    trouble.hidden = !why;
    trouble.textContent = why ? (why === "none" ? say(missing.camera ? "no_camera" : "no_microphone") : say(why === "in_app" ? "other" : why)) : "";
  }

  /** @param {HTMLSelectElement} select */
  async function changed(select) {
    const { name, value } = select;
    if (name === "speaker") {
      prefer({ speaker: value });
      useSpeaker(value);
    } else if (name === "camera" || name === "microphone") {
      await choose(name, value).catch(() => toast({ text: say("busy") }));
      listenToMicrophone();
    } else if (name === "height") await resize(Number(value));
    else if (name === "bandwidth") {
      prefer({ bandwidth: value });
      apply.bandwidth(value ? Number(value) : null);
    } else if (name === "photo") prefer({ photo: value });
  }

  function listenToMicrophone() {
    quiet?.();
    quiet = dialog.open && track("microphone") ? levelOf(local.stream, (level) => (meter.value = level)) : undefined;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement) void changed(field);
    else if (field === captions) {
      prefer({ captions: captions.checked });
      apply.captions(captions.checked);
    } else if (field instanceof HTMLInputElement && field.name === "background") void apply.background(field.value);
  });
  part("[data-test-sound]", HTMLButtonElement).addEventListener("click", () => void playTest(choice("speaker").value || undefined));
  toolButton("settings").addEventListener("click", () => {
    openDialog("vc-settings");
    void list();
    listenToMicrophone();
  });
  dialog.addEventListener("close", listenToMicrophone);
  own.addEventListener("change", () => void list());
  navigator.mediaDevices?.addEventListener("devicechange", () => void list());
}

/** How high a photo from the video may be, in lines; 0: as the camera gives it. */
export function photoHeight() {
  return Number(preferences().photo ?? 0);
}

/** @param {string} name */
function choice(name) {
  return part(`#vc-${name}`, HTMLSelectElement);
}
