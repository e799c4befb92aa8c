/** What comes after the call has begun: other devices, full screen, a small window, keys, and one's own screen shown to the others. */
import { listChoices, startChoices } from "./choices.js";
import { watchDevices } from "./interrupted.js";
import { announce, one, place, press, say } from "./parts.js";
import { show } from "./people.js";
import { makeMovable } from "./selfview.js";

/** @typedef {import("../line/room.js").Room} Room */

const TALKING = ["admitted", "in_call"];
/** @type {MediaStreamTrack | null} */
let shared = null;

/** @param {Room} room */
export function mountMore(room) {
  watchDevices();
  makeMovable(place("self"));
  const dialog = one("#more", HTMLDialogElement);
  const choices = one("[data-choices]", HTMLElement, dialog);
  startChoices(choices);
  press("more-open", async () => {
    await listChoices(choices);
    dialog.showModal();
  });
  press("more-close", () => dialog.close());
  navigator.mediaDevices?.addEventListener?.("devicechange", () => dialog.open && void listChoices(choices));
  fullScreen(dialog);
  smallWindow(dialog);
  sharing(room, dialog);
  if (matchMedia("(any-pointer: fine)").matches) void import("./keys.js").then(({ startKeys }) => startKeys());
  place("more-open").hidden = false;
}

/** @param {HTMLDialogElement} dialog */
function fullScreen(dialog) {
  const button = place("full-screen");
  button.hidden = !document.fullscreenEnabled;
  press("full-screen", () => {
    dialog.close();
    return document.fullscreenElement ? document.exitFullscreen() : place("call").requestFullscreen().catch(() => announce(say("failed")));
  });
  document.addEventListener("fullscreenchange", () => {
    const is = Boolean(document.fullscreenElement);
    button.setAttribute("aria-pressed", String(is));
    one("span", HTMLElement, button).textContent = say(is ? "full_screen_off" : "full_screen");
  });
}

/** @param {HTMLDialogElement} dialog */
function smallWindow(dialog) {
  place("small-window").hidden = !document.pictureInPictureEnabled;
  press("small-window", async () => {
    dialog.close();
    const video = document.querySelector("#pictures .large video");
    try {
      if (document.pictureInPictureElement) await document.exitPictureInPicture();
      else if (video instanceof HTMLVideoElement) await video.requestPictureInPicture();
    } catch {
      announce(say("failed"));
    }
  });
}

/** No phone's browser shares its screen: there, a photo or a file is sent instead. @param {Room} room @param {HTMLDialogElement} dialog */
function sharing(room, dialog) {
  place("share-screen").hidden = !navigator.mediaDevices?.getDisplayMedia;
  press("stop-sharing", () => stop(room));
  room.addEventListener("state", () => !TALKING.includes(room.state) && stop(room));
  press("share-screen", async () => {
    dialog.close();
    if (shared) return stop(room);
    try {
      const wanted = /** @type {any} */ ({ video: { frameRate: { max: 15 } }, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include" });
      const [track] = (await navigator.mediaDevices.getDisplayMedia(wanted)).getVideoTracks();
      if (track) await begin(room, track);
    } catch (error) {
      // Whoever chose nothing knows that.
      if (!(error instanceof DOMException && error.name === "NotAllowedError")) announce(say("failed"));
    }
  });
}

/** @param {Room} room @param {MediaStreamTrack} track */
async function begin(room, track) {
  shared = track;
  track.contentHint = "detail";
  track.addEventListener("ended", () => shared === track && stop(room));
  await room.setTrack("screen", track);
  // The whole screen would show this page in itself, and again in itself.
  if (track.getSettings().displaySurface !== "monitor") show("me", new MediaStream([track]), "screen");
  told(true);
}

/** @param {Room} room */
function stop(room) {
  if (!shared) return;
  shared.stop();
  shared = null;
  void room.setTrack("screen", null);
  show("me", null, "screen");
  told(false);
}

/** @param {boolean} is */
function told(is) {
  place("sharing").hidden = !is;
  one("span", HTMLElement, place("share-screen")).textContent = say(is ? "share_stop" : "share");
  announce(say(is ? "sharing" : "not_sharing"));
}
