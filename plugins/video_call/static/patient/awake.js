/** Keeps the screen on while somebody waits or talks. Browsers give the lock back when the page is hidden. */

let wanted = false;
/** @type {WakeLockSentinel | null} */
let lock = null;

/** @param {boolean} is */
export function stayAwake(is) {
  wanted = is;
  if (!is) {
    void lock?.release();
    lock = null;
  } else void take();
}

async function take() {
  if (!wanted || (lock && !lock.released) || document.visibilityState !== "visible") return;
  lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
}

document.addEventListener("visibilitychange", take);
