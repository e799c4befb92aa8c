/** Which camera, microphone and loudspeaker: by their names, in the check and in the call. */
import { choose, how, track } from "./devices.js";
import { one } from "./parts.js";

const KINDS = /** @type {const} */ ({ camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" });
/** @typedef {keyof typeof KINDS} Choice */

let speaker = "";

/** The loudspeaker that was chosen, "" for the usual one. */
export const chosenSpeaker = () => speaker;

/**
 * Does what is chosen.
 * @param {ParentNode} within
 * @param {(name: Choice) => void} [before]
 */
export function startChoices(within, before) {
  for (const [name, select] of selects(within)) {
    select.addEventListener("change", () => {
      before?.(name);
      void use(name, select.value, within);
    });
  }
}

/** Shows what there is to choose from; with nothing to choose, nothing. @param {ParentNode} within */
export async function listChoices(within) {
  const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  for (const [name, select, box] of selects(within)) {
    const some = all.filter((device) => device.kind === KINDS[name] && device.deviceId && device.label);
    const can = name === "speaker" ? "setSinkId" in HTMLMediaElement.prototype : how[name] === "good";
    box.hidden = some.length < 2 || !can;
    const current = name === "speaker" ? speaker || "default" : track(name)?.getSettings().deviceId;
    select.replaceChildren(...some.map((device) => new Option(device.label, device.deviceId, false, device.deviceId === current)));
  }
}

/** @param {Choice} name @param {string} id @param {ParentNode} within */
async function use(name, id, within) {
  if (name !== "speaker") {
    await choose(name, id).catch(() => listChoices(within));
    return;
  }
  speaker = id;
  for (const video of document.querySelectorAll("video")) {
    if (!video.muted && "setSinkId" in video) void video.setSinkId(id).catch(() => undefined);
  }
}

/** @param {ParentNode} within @returns {[Choice, HTMLSelectElement, HTMLElement][]} */
function selects(within) {
  return [...within.querySelectorAll("[data-choice]")].map((box) => [
    /** @type {Choice} */ (box.getAttribute("data-choice")),
    one("select", HTMLSelectElement, box),
    /** @type {HTMLElement} */ (box),
  ]);
}
