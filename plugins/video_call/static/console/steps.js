/**
 * The steps that the page asks for (admit, hold, decline ...). Each is a form that works by itself; here it is sent
 * without leaving the page. The server decides, and what it answers is how the call stands.
 *
 * @typedef {{id: string, role: string, name: string, as_what: string | null, here: boolean, admitted: boolean, devices: Record<string, unknown>}} Seen
 * @typedef {{state: string, me: string | null, held: boolean, reason: string | null, message: string | null, away: boolean, participants: Seen[]}} CallState
 */
import { csrfToken } from "careroom/session";
import { toast } from "careroom/toast";
import { root } from "./page.js";
import { say } from "./words.js";

/**
 * @param {string} url
 * @param {FormData | URLSearchParams} [fields]
 * @returns {Promise<Response>}
 */
export function post(url, fields = new URLSearchParams()) {
  const headers = { "X-CSRFToken": csrfToken(), Accept: "application/json", "X-Panel": "1" };
  return fetch(url, { method: "POST", body: fields, headers, redirect: "manual" });
}

/** @returns {Promise<CallState | undefined>} undefined when it cannot be known just now */
export async function readState() {
  try {
    const response = await fetch(root.dataset.stateUrl ?? "", { headers: { Accept: "application/json", "X-Panel": "1" } });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {(step: string, state: CallState) => void} taken
 * @returns {void}
 */
export function listen(taken) {
  const onSubmit = (/** @type {SubmitEvent} */ event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.step) return;
    event.preventDefault();
    void send(form, taken);
  };
  // Before careroom/forms, which would take the form for one that leaves the page.
  document.addEventListener("submit", onSubmit, { capture: true });
}

/** @type {WeakSet<HTMLFormElement>} */
const underway = new WeakSet();

/** @param {HTMLFormElement} form @param {(step: string, state: CallState) => void} taken */
async function send(form, taken) {
  if (underway.has(form)) return;
  underway.add(form);
  const button = form.querySelector("button[type=submit]");
  button?.setAttribute("data-busy", "");
  try {
    const response = await post(form.action, new FormData(form));
    if (!response.ok) {
      toast({ text: (await reason(response)) || say("failed") });
      return;
    }
    form.closest("dialog")?.close();
    form.closest("details")?.removeAttribute("open");
    if (form.closest("dialog")) form.reset();
    settle(form);
    taken(form.dataset.step ?? "", await response.json());
  } catch {
    toast({ text: say("failed") });
  } finally {
    underway.delete(form);
    button?.removeAttribute("data-busy");
  }
}

/** What was typed is sent: the part that it stands in may be exchanged for the new state. @param {HTMLFormElement} form */
function settle(form) {
  for (const field of form.querySelectorAll("input")) field.defaultValue = field.value;
  if (form.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
}

/** @param {Response} response @returns {Promise<string>} why the server refused, in its words */
async function reason(response) {
  try {
    const said = await response.json();
    return String(said.error?.message ?? "");
  } catch {
    return "";
  }
}
