/**
 * The idle lock: covers the page after a while without anybody, and takes the cover away for the password or a passkey.
 * The page below stays as it is, with everything that was typed. The server locks the session itself; all tabs of the
 * browser share it, so they tell each other.
 */

import { post, showPasskey } from "careroom/passkeys";
import { csrfToken } from "careroom/session";

const LOOK_EVERY = 5_000;
const TELL_EVERY = 60_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

const cover = document.querySelector("dialog[data-lock]");
if (cover instanceof HTMLDialogElement) keepWatch(cover);

/** @param {HTMLDialogElement} dialog */
function keepWatch(dialog) {
  const { idle = "0", lockUrl = "", unlockUrl = "", stateUrl = "", activeUrl = "", questionUrl = "" } = dialog.dataset;
  const patience = Number(idle) * 60_000;
  const tabs = new BroadcastChannel("careroom-lock");
  const form = dialog.querySelector("form");
  const field = dialog.querySelector("input[type='password']");
  const error = dialog.querySelector("[data-lock-error]");
  const provider = dialog.querySelector("[data-lock-provider]");
  let locked = false;
  let seen = Date.now();
  let told = Date.now();

  function coverUp() {
    locked = true;
    if (!dialog.open) dialog.showModal();
    document.documentElement.setAttribute("data-locked", "");
    if (provider instanceof HTMLElement) provider.focus();
    else if (field instanceof HTMLInputElement) field.focus();
  }

  function uncover() {
    locked = false;
    seen = told = Date.now();
    document.documentElement.removeAttribute("data-locked");
    if (field instanceof HTMLInputElement) field.value = "";
    say("");
    dialog.close();
    document.dispatchEvent(new CustomEvent("careroom:unlocked")); // what was refused meanwhile is asked for again
  }

  function lock() {
    if (locked) return;
    coverUp();
    tabs.postMessage("lock");
    send(lockUrl);
  }

  /** @param {string} url */
  async function send(url) {
    try {
      const headers = { "X-CSRFToken": csrfToken(), Accept: "application/json" };
      const response = await fetch(url, { method: "POST", headers });
      if (response.status === 423) coverUp(); // the server found it idle first
    } catch {
      // Without a network nothing can be read either; the next look tells the server.
    }
  }

  /** @param {string} words */
  function say(words) {
    if (!(error instanceof HTMLElement)) return;
    error.textContent = words;
    error.hidden = !words;
    if (field instanceof HTMLInputElement) field.toggleAttribute("aria-invalid", Boolean(words));
  }

  /** @param {object} proof */
  async function unlock(proof) {
    try {
      await post(unlockUrl, proof);
      uncover();
      tabs.postMessage("unlock");
    } catch (problem) {
      say((problem instanceof Error && problem.message) || (dialog.dataset.failed ?? ""));
      if (field instanceof HTMLInputElement) field.select();
    }
  }

  async function look() {
    try {
      const response = await fetch(stateUrl, { headers: { Accept: "application/json", "X-Panel": "lock" } });
      if (response.status === 401) location.reload(); // signed out meanwhile
      if (!response.ok) return;
      const state = await response.json();
      if (state.locked && !locked) coverUp();
      if (!state.locked && locked) uncover();
    } catch {
      // No network: the page stays as it is.
    }
  }

  for (const sign of SIGNS) {
    addEventListener(
      sign,
      () => {
        if (locked) return;
        // A computer that slept woke up: the first touch must not count as being here all along.
        if (patience && Date.now() - seen >= patience) return lock();
        seen = Date.now();
        if (seen - told < TELL_EVERY) return;
        told = seen;
        tabs.postMessage("active");
        send(activeUrl);
      },
      { passive: true, capture: true },
    );
  }
  tabs.addEventListener("message", (event) => {
    if (event.data === "lock") coverUp();
    if (event.data === "unlock") uncover();
    if (event.data === "active") seen = told = Date.now();
  });
  if (patience) setInterval(() => Date.now() - seen >= patience && lock(), LOOK_EVERY);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    if (patience && Date.now() - seen >= patience) lock();
    else look();
  });

  // Escape closes a dialog, and browsers insist on it when it is pressed twice: this one comes back.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => locked && dialog.showModal());
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field instanceof HTMLInputElement) unlock({ password: field.value });
  });
  const passkey = dialog.querySelector("[data-lock-passkey]");
  if (passkey instanceof HTMLElement && "PublicKeyCredential" in window) {
    passkey.hidden = false;
    passkey.addEventListener("click", async () => {
      try {
        await unlock({ credential: await showPasskey(questionUrl) });
      } catch {
        say(dialog.dataset.failed ?? "");
      }
    });
  }
  for (const button of document.querySelectorAll("[data-lock-now]")) {
    if (!(button instanceof HTMLElement)) continue;
    button.hidden = false;
    button.addEventListener("click", () => lock());
  }
}
