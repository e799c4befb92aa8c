/** The tools that are in modules of their own (chat, draw, pointer, record ...), each mounted where its module is there. */
import { callId, part, root } from "./page.js";
import { mainVideo } from "./people.js";
import { photoHeight } from "./settings.js";
import { announce } from "./words.js";

/** @typedef {import("../line/room.js").Room} Room */

/** @param {Room} room */
export async function mountTools(room) {
  const place = {
    role: "clinician",
    callId,
    stage: part("[data-stage]", HTMLElement, root),
    toolbar: part("[data-tools]", HTMLElement, root),
    sidebar: part("[data-tool-place]", HTMLElement, root),
    video: mainVideo,
    say: announce,
    photoHeight,
  };
  void room;
  void place;
}
