/**
 * The tools of a call, on whichever side this page is. The page calls ``mountTools`` once its room is open; everything
 * else follows from the page's facts and the room's events.
 */
import { mountChat } from "./chat.js";
import { mountConsents } from "./consent.js";
import { mountDraw } from "./draw.js";
import { readFacts } from "./host.js";
import { mountPointer } from "./pointer.js";
import { mountRemote } from "./remote.js";
import { mountShow } from "./show.js";

/**
 * @param {import("./host.js").Room} room
 * @param {import("./host.js").Host} host
 */
export async function mountTools(room, host) {
  const facts = readFacts();
  const tools = { room, host, facts };
  const show = mountShow(tools);
  mountChat(tools, show);
  const draw = mountDraw(tools);
  mountPointer(tools, () => draw.surface() ?? show.surface());
  if (facts.role === "guest") {
    const { mountVoice } = await import("./voice.js");
    return mountVoice(tools);
  }
  const consents = mountConsents(tools);
  mountRemote(tools, consents);
  if (facts.role !== "clinician") return;
  const [{ mountStill }, { mountRecord }] = await Promise.all([import("./still.js"), import("./record.js")]);
  mountStill(tools, consents);
  if (facts.recording.what) mountRecord(tools, consents);
}
