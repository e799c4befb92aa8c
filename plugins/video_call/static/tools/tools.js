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

const finish = async () => undefined;
const ENDS = ["over", "taken_over", "removed"];

/**
 * @param {import("./host.js").Room} room
 * @param {import("./host.js").Host} host
 * @returns {Promise<{finish: () => Promise<void>}>} finish: what is being recorded is ended and kept
 */
export async function mountTools(room, host) {
  const facts = { ...readFacts(), client: room.signalling.clientId };
  const ended = new AbortController();
  for (const why of ENDS) room.addEventListener(why, () => ended.abort(why), { once: true });
  ended.signal.addEventListener("abort", () => {
    for (const place of [host.bar, host.side]) place.inert = true;
  });
  const tools = { room, host, facts, signal: ended.signal };
  const show = mountShow(tools);
  mountChat(tools, show);
  const draw = mountDraw(tools);
  mountPointer(tools, () => draw.surface() ?? show.surface());
  if (facts.role === "guest") {
    const { mountVoice } = await import("./voice.js");
    mountVoice(tools);
    return { finish };
  }
  const consents = mountConsents(tools);
  mountRemote(tools, consents);
  if (facts.role !== "clinician") return { finish };
  const [{ mountStill }, { mountRecord }] = await Promise.all([import("./still.js"), import("./record.js")]);
  mountStill(tools, consents);
  return { finish: facts.recording.what ? mountRecord(tools, consents) : finish };
}
