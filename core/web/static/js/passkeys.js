/**
 * Passkeys: shows one (data-passkey) or makes one (data-passkey-add). The server asks the question and judges the
 * answer; here both only change their form between JSON and what the browser's own functions take.
 */

import { csrfToken } from "careroom/session";

/**
 * @typedef {{id: string, type: "public-key"}} Described a credential as the server names it
 * @typedef {{challenge: string, rpId?: string, timeout?: number, userVerification?: UserVerificationRequirement}} Question
 * @typedef {{challenge: string, rp: PublicKeyCredentialRpEntity, user: {id: string, name: string, displayName: string},
 *   pubKeyCredParams: PublicKeyCredentialParameters[], timeout?: number, excludeCredentials?: Described[],
 *   authenticatorSelection?: AuthenticatorSelectionCriteria, attestation?: AttestationConveyancePreference}} Order
 */

/** @param {string} text base64url */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** @param {ArrayBuffer} buffer */
function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

class Refused extends Error {
  /**
   * @param {string} message
   * @param {string} code
   */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {string} url
 * @param {object} body
 */
async function post(url, body) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.error?.message ?? "", answer.error?.code ?? "");
  return answer;
}

/**
 * Lets the person show a passkey.
 * @param {string} questionUrl
 * @returns {Promise<object>} the answer, as JSON can carry it
 */
async function showPasskey(questionUrl) {
  /** @type {Question} */
  const asked = await post(questionUrl, {});
  const shown = await navigator.credentials.get({ publicKey: { ...asked, challenge: bytes(asked.challenge) } });
  if (!(shown instanceof PublicKeyCredential) || !(shown.response instanceof AuthenticatorAssertionResponse)) throw new Error("no passkey");
  const { response } = shown;
  return {
    id: shown.id,
    rawId: text(shown.rawId),
    type: shown.type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

/**
 * Makes a passkey on the person's device.
 * @param {string} questionUrl
 */
async function makePasskey(questionUrl) {
  /** @type {Order} */
  const order = await post(questionUrl, {});
  const made = await navigator.credentials.create({
    publicKey: {
      ...order,
      challenge: bytes(order.challenge),
      user: { ...order.user, id: bytes(order.user.id) },
      excludeCredentials: (order.excludeCredentials ?? []).map((known) => ({ ...known, id: bytes(known.id) })),
    },
  });
  if (!(made instanceof PublicKeyCredential) || !(made.response instanceof AuthenticatorAttestationResponse)) throw new Error("no passkey");
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) },
  };
}

/**
 * @param {Element} part
 * @param {unknown} error
 */
function tell(part, error) {
  const place = part.querySelector("[data-passkey-error]");
  if (!(place instanceof HTMLElement)) return;
  place.textContent = (error instanceof Refused && error.message) || (place.dataset.failed ?? "");
  place.hidden = false;
}

const arePossible = "PublicKeyCredential" in window;

for (const part of document.querySelectorAll("[data-passkey]")) {
  if (!(part instanceof HTMLElement) || !arePossible) continue;
  part.hidden = false;
  part.querySelector("[data-passkey-show]")?.addEventListener("click", async () => {
    try {
      const credential = await showPasskey(part.dataset.question ?? "");
      const answer = await post(part.dataset.answer ?? "", { credential, next: part.dataset.next });
      location.assign(answer.location ?? part.dataset.next ?? "/");
    } catch (error) {
      tell(part, error);
    }
  });
}

for (const form of document.querySelectorAll("form[data-passkey-add]")) {
  if (!(form instanceof HTMLFormElement) || !arePossible) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = new FormData(form).get("name");
    try {
      const credential = await makePasskey(form.dataset.question ?? "");
      const answer = await post(form.dataset.answer ?? "", { credential, name });
      location.assign(answer.location);
    } catch (error) {
      if (error instanceof Refused && error.code === "not_proven") location.assign(form.dataset.confirm ?? "/account");
      else tell(form, error);
    }
  });
}

export { Refused, post, showPasskey };
