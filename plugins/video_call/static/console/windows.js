/** Full screen, picture in picture, a screen that stays awake, and a page that is not left by mistake. */
import { toast } from "careroom/toast";
import { press, root, toolButton } from "./page.js";
import { say } from "./words.js";

/** @type {WakeLockSentinel | undefined} */
let awake;

export function fullScreen() {
  const button = toolButton("full");
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void root.requestFullscreen();
  });
  document.addEventListener("fullscreenchange", () => press("full", Boolean(document.fullscreenElement)));
}

/** @param {() => HTMLVideoElement | undefined} video the one to show in a window of its own */
export function pictureInPicture(video) {
  const button = toolButton("pip");
  if (!document.pictureInPictureEnabled) button.disabled = true;
  button.addEventListener("click", async () => {
    try {
      if (document.pictureInPictureElement) await document.exitPictureInPicture();
      else await video()?.requestPictureInPicture();
    } catch {
      toast({ text: say("no_pip") });
    }
  });
}

/** Holds the screen awake while the call lasts. @param {boolean} on */
export async function stayAwake(on) {
  try {
    if (on && !awake && "wakeLock" in navigator) awake = await navigator.wakeLock.request("screen");
    else if (!on) await awake?.release();
  } catch {
    // A battery that saves itself refuses; the call goes on.
  }
  if (!on) awake = undefined;
}

/**
 * While two people talk, somebody is here, whatever the mouse does: the idle lock counts that as being used. And a page
 * that is left by mistake is asked about.
 * @param {() => boolean} talking
 */
export function guard(talking) {
  setInterval(() => {
    if (talking()) dispatchEvent(new Event("wheel"));
  }, 30_000);
  addEventListener("beforeunload", (event) => {
    if (talking() && !root.hasAttribute("data-leaving")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || !talking()) return;
    awake = undefined; // the browser took it when the page was hidden
    void stayAwake(true);
  });
}
