/** One picture of the patient's video into the record, each with a consent of its own. */
import { ask, button, control, on, press, Refusal, say } from "./host.js";

const KIND = "still";

/**
 * @param {import("./host.js").Tools} tools
 * @param {import("./consent.js").Consents} consents
 */
export function mountStill({ room, host, facts }, consents) {
  let taking = "";
  const open = button(host, "still", async () => {
    if (consents.state(KIND) === "asked") {
      await consents.withdraw(KIND).catch(() => consents.refresh());
      return;
    }
    const answer = await control(room, "ask_still");
    host.announce(say(facts, answer.ok ? "asked" : answer.reason === "too_soon" ? "too_soon" : "failed"));
    if (answer.reason === "too_soon") note(say(facts, "too_soon"));
    await consents.refresh();
  });

  /** @param {string} consent */
  async function take(consent) {
    taking = consent;
    try {
      const body = await frame(host.patientPicture(), host.photoHeight?.() ?? 0);
      await ask(facts, `stills?consent=${consent}`, { body, type: "image/jpeg" });
      host.announce(say(facts, "still_kept"));
      note(say(facts, "still_kept"));
    } catch (error) {
      note(error instanceof Refusal ? error.message : say(facts, "still_failed"));
      taking = "";
    }
  }

  /** @param {string} text */
  function note(text) {
    host.note?.(text);
  }

  on(consents, "change", (before) => {
    const state = consents.state(KIND);
    press(open, state === "asked");
    open.toggleAttribute("data-waiting", state === "asked");
    if (before?.get(KIND)?.state === "asked" && state === "refused") note(say(facts, "refused"));
    if (state === "granted" && taking !== consents.id(KIND)) void take(consents.id(KIND));
  });
}

/**
 * What the video shows now, in the size in which it comes, or smaller.
 * @param {HTMLVideoElement | undefined} video
 * @param {number} most lines; 0: as it comes
 * @returns {Promise<Blob>}
 */
async function frame(video, most) {
  if (!video?.videoWidth) throw new Error("no picture");
  const canvas = document.createElement("canvas");
  const scale = most ? Math.min(1, most / video.videoHeight) : 1;
  [canvas.width, canvas.height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
  const context = canvas.getContext("2d");
  if (context) context.imageSmoothingQuality = "high";
  context?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", 0.92));
}
