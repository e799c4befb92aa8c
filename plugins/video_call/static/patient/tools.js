/** The tools of a call (chat, drawing, consent ...) in their places on this page. */
import { turn, turnCamera } from "./devices.js";
import { announce, one, place } from "./parts.js";
import { isGuest } from "./server.js";

/** @param {import("../line/room.js").Room} room */
export async function mountTools(room) {
  // Their modules come when the call is there: seeing and hearing must not wait for them.
  const [{ mountTools: mount }, { mountMore }] = await Promise.all([import("../tools/tools.js"), import("./more.js")]);
  mountMore(room);
  await mount(room, {
    bar: place("tool-buttons"),
    side: place("tool-side"),
    stage: place("tool-stage"),
    patientPicture: () => (isGuest ? pictureOf(room) : one("video", HTMLVideoElement, place("self"))),
    screen: () => document.querySelector("#pictures .screen.large video") ?? undefined,
    announce,
    devices: { turn, switchCamera: turnCamera },
  });
}

/** The patient's picture, on a guest's page. @param {import("../line/room.js").Room} room @returns {HTMLVideoElement | undefined} */
function pictureOf({ people }) {
  const patient = [...people.values()].find(({ role }) => role === "patient");
  return document.querySelector(`#pictures .main[data-person="${patient?.id}"] video`) ?? undefined;
}
