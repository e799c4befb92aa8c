/** Sharing a screen, a window or a tab. The browser asks which; what is shared is seen here, too, unless it is the whole screen. */
import { toast } from "careroom/toast";
import { part, press, root, toolButton } from "./page.js";
import { announce, say } from "./words.js";

/** @typedef {import("../line/room.js").Room} Room */

/** @type {MediaStreamTrack | null} */
let shared = null;
/** What somebody else shares. @type {MediaStream | null} */
let theirs = null;

/** @param {() => Room | undefined} room */
export function sharing(room) {
  const button = toolButton("share");
  if (!navigator.mediaDevices?.getDisplayMedia) {
    button.hidden = true; // no phone's browser can: a file or a picture is shown instead
    return;
  }
  part("[data-stop-sharing]", HTMLButtonElement, root).addEventListener("click", () => stop(room()));
  button.addEventListener("click", async () => {
    if (shared) return stop(room());
    try {
      // An idle picture of a document needs few frames, and sharp ones.
      const stream = await navigator.mediaDevices.getDisplayMedia(/** @type {any} */ ({ video: { frameRate: { max: 15 } }, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include" }));
      const [track] = stream.getVideoTracks();
      if (!track) return;
      await begin(room(), track);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "NotAllowedError")) toast({ text: say("share_failed") });
    }
  });
}

/** Ends sharing: the call was held or is over. @param {Room | undefined} room */
export function stop(room) {
  if (!shared) return;
  shared.stop();
  shared = null;
  void room?.setTrack("screen", null);
  showSharing(false);
  showShared(theirs);
  announce(say("not_sharing"));
}

/** @param {Room | undefined} room @param {MediaStreamTrack} track */
async function begin(room, track) {
  shared = track;
  track.contentHint = "detail";
  track.addEventListener("ended", () => shared === track && stop(room));
  await room?.setTrack("screen", track);
  showSharing(true);
  announce(say("sharing"));
  // The whole screen would show this page in itself, and again in itself.
  if (track.getSettings().displaySurface !== "monitor") showShared(new MediaStream([track]));
}

/** @param {boolean} on */
function showSharing(on) {
  press("share", on);
  part("[data-sharing]", HTMLElement, root).hidden = !on;
}

/** Somebody else shares a screen, or ends it. @param {MediaStream | null} stream @param {string} name */
export function showTheirs(stream, name) {
  const before = theirs;
  theirs = stream;
  const badge = part("[data-shown-by]", HTMLElement, root);
  badge.hidden = !stream;
  part("[data-shown-by-words]", HTMLElement, badge).textContent = stream ? say("shares", { name }) : "";
  if (stream || before) announce(say(stream ? "shares" : "shares_no_more", { name }));
  if (stream || !shared) showShared(stream);
}

/** Shows a screen on the stage, one's own or somebody else's; null: nobody's. @param {MediaStream | null} stream */
function showShared(stream) {
  const box = part("[data-shared]", HTMLElement, root);
  const video = part("[data-shared-video]", HTMLVideoElement, root);
  if (video.srcObject !== stream) video.srcObject = stream;
  box.hidden = !stream;
  root.toggleAttribute("data-screen", Boolean(stream));
  if (stream) void video.play().catch(() => undefined);
}
