/** The waiting room: who knows, who is before, what the practice says, and that nobody sees or hears the patient yet. */
import { devices, how, off, track, turnOff, turnOn } from "./devices.js";
import { announce, place, press, say, tell } from "./parts.js";
import { changes, clinician, isReachable, now } from "./server.js";
import { allowSound } from "./sound.js";

let said = "";
let timer = 0;

/** @param {() => unknown} back to the check */
export function startWaiting(back) {
  press("back-to-check", back);
  press("waiting-devices-on", async () => {
    allowSound();
    await turnOn();
  });
  for (const button of document.querySelectorAll("[data-toggle]")) {
    const kind = button.getAttribute("data-toggle") === "camera" ? "camera" : "microphone";
    button.addEventListener("click", () => turnOff(kind, !off[kind]));
  }
  changes.addEventListener("change", show);
  changes.addEventListener("network", show);
  devices.addEventListener("change", show);
}

export function openWaiting() {
  clearInterval(timer);
  timer = setInterval(show, 15_000);
  show();
}

export function closeWaiting() {
  clearInterval(timer);
}

function show() {
  const { state, position, message, since, participants } = now();
  const isHere = participants.some((one) => one.role === "clinician" && one.here);
  const held = state === "on_hold";
  tell(place("knows"), held ? say("on_hold") : isHere ? say("knows", { name: clinician }) : say("knows_practice"));
  const before = (position ?? 0) - 1;
  tell(place("position"), before < 0 || held ? "" : before === 0 ? say("position_next") : before === 1 ? say("position_one") : say("position", { count: before }));
  const box = place("practice-message");
  box.hidden = !message;
  const text = box.querySelector("[data-text]");
  if (text && text.textContent !== (message ?? "")) text.textContent = message ?? "";
  if (message && message !== said) announce(say("message", { text: message }));
  said = message ?? "";
  place("waiting-line").hidden = isReachable;
  const minutes = Math.floor((Date.now() - Date.parse(since)) / 60_000);
  place("waited-line").hidden = state !== "ready" || minutes < 2;
  place("waited").textContent = say("waited", { minutes });
  const lacks = !track("camera") && !track("microphone");
  place("waiting-devices").hidden = !lacks || how.camera === "chosen_off" || how.microphone === "wait" || how.camera === "wait";
  for (const button of document.querySelectorAll("[data-toggle]")) {
    const kind = button.getAttribute("data-toggle") === "camera" ? "camera" : "microphone";
    const label = button.querySelector("span");
    button.toggleAttribute("hidden", !track(kind));
    button.setAttribute("aria-pressed", String(off[kind]));
    if (label) label.textContent = kind === "camera" ? say(off.camera ? "camera_on" : "camera_off") : say(off.microphone ? "unmute" : "mute");
  }
}

