/** Puts the piece of help that fits the fault and the browser below a line of the check. */
import { announce, say } from "./parts.js";
import { base } from "./server.js";
import { browser, outside, system } from "./where.js";

/**
 * @param {HTMLElement} place
 * @param {string} fault "" for none
 * @param {string} owner the line that it is for: both lines say the same, so only the first shows it
 */
export function showHelp(place, fault, owner) {
  const piece = fault ? find(fault) : null;
  const first = document.querySelector(`[data-help][data-fault="${fault}"]`);
  const isShownAbove = owner === "microphone" && first && first !== place;
  if (place.dataset.fault === (piece ? fault : "") && !isShownAbove) return;
  place.dataset.fault = piece && !isShownAbove ? fault : "";
  place.replaceChildren(...(piece && !isShownAbove ? [piece.content.cloneNode(true)] : []));
  place.hidden = !place.childElementCount;
  // The microphone may have been looked at first: what is above says it for both.
  if (piece && owner === "camera" && first instanceof HTMLElement && first !== place) {
    first.dataset.fault = "";
    first.replaceChildren();
    first.hidden = true;
  }
  for (const button of place.querySelectorAll("[data-open-outside]")) button.addEventListener("click", open);
  for (const button of place.querySelectorAll("[data-copy-outside]")) button.addEventListener("click", copy);
}

/** @param {string} fault @returns {HTMLTemplateElement | null} */
function find(fault) {
  for (const key of [`${fault} ${browser}`, `${fault} ${system}`, fault]) {
    const piece = document.querySelector(`template[data-help-for="${key}"]`);
    if (piece instanceof HTMLTemplateElement) return piece;
  }
  return null;
}

/** Fetched when it is needed: it works for some minutes only. */
async function address() {
  const answer = await fetch(`${base}outside`, { headers: { Accept: "application/json" } });
  return /** @type {string} */ ((await answer.json()).url);
}

async function open() {
  location.href = outside(await address());
}

async function copy() {
  await navigator.clipboard?.writeText(await address()).then(
    () => announce(say("copied")),
    () => undefined,
  );
}

