/** Every place that shows the patient's own picture. */
import { devices, isMirrored, local, off, track } from "./devices.js";

export function startPreviews() {
  devices.addEventListener("change", show);
  show();
}

function show() {
  const seen = !!track("camera") && !off.camera;
  for (const place of document.querySelectorAll("[data-preview], #self")) {
    const video = place.querySelector("video");
    place.classList.toggle("seen", seen);
    place.classList.toggle("mirrored", isMirrored());
    if (!video) continue;
    video.muted = true;
    if (video.srcObject !== local.stream) video.srcObject = local.stream;
    if (local.stream && video.paused) void video.play().catch(() => undefined);
  }
  const muted = document.querySelector(".vc-self-muted");
  if (muted instanceof HTMLElement) muted.hidden = !off.microphone;
}
