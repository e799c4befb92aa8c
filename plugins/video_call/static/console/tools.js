/** The tools of a call (chat, draw, pointer, record ...) in their places on this page. */
import { toast } from "careroom/toast";
import { mountTools as mount } from "../tools/tools.js";
import { part, root } from "./page.js";
import { mainVideo } from "./people.js";
import { photoHeight } from "./settings.js";
import { announce } from "./words.js";

/** @param {import("../line/room.js").Room} room */
export function mountTools(room) {
  return mount(room, {
    bar: part("[data-tools]", HTMLElement, root),
    side: part("[data-tool-place]", HTMLElement, root),
    stage: part("[data-stage]", HTMLElement, root),
    patientPicture: mainVideo,
    photoHeight,
    screen: () => (root.hasAttribute("data-screen") ? part("[data-shared-video]", HTMLVideoElement, root) : undefined),
    announce,
    note: (text) => void toast({ text }),
  });
}
