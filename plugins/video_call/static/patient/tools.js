/** The tools of a call (chat, drawing, consent ...) in their places on this page. */
import { track, tryAgain, turnCamera, turnOff } from "./devices.js";
import { announce, one, place } from "./parts.js";

/** @param {import("../line/room.js").Room} room */
export async function mountTools(room) {
  // Their modules come when the call is there: seeing and hearing must not wait for them.
  const [{ mountTools: mount }, { mountMore }] = await Promise.all([import("../tools/tools.js"), import("./more.js")]);
  mountMore(room);
  await mount(room, {
    bar: place("tool-buttons"),
    side: place("tool-side"),
    stage: place("tool-stage"),
    patientPicture: () => one("video", HTMLVideoElement, place("self")),
    screen: () => document.querySelector("#pictures .screen.large video") ?? undefined,
    announce,
    devices: { turn, switchCamera: turnCamera },
  });
}

/** @param {"microphone" | "camera"} kind @param {boolean} on */
async function turn(kind, on) {
  turnOff(kind, !on);
  if (on && !track(kind)) await tryAgain();
}
