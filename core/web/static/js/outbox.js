/** Keeps /dev/outbox current: asks every two seconds whether the list changed, and puts in what is new. */

const PAUSE = 2000;
const root = /** @type {HTMLElement | null} */ (document.querySelector("[data-outbox]"));
const filter = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-outbox-filter]"));

filter?.addEventListener("change", () => filter.requestSubmit());
if (root) watch(root);

/** @param {HTMLElement} list */
async function watch(list) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (document.hidden) continue;
    try {
      await refresh(list);
    } catch {
      // The server is being restarted: the next look will find it.
    }
  }
}

/** @param {HTMLElement} list */
async function refresh(list) {
  const answer = await fetch(list.dataset.versionUrl ?? "", { cache: "no-store" });
  if (!answer.ok) return;
  const { version } = await answer.json();
  if (version === list.dataset.version) return;
  const page = await fetch(location.href, { cache: "no-store" });
  if (!page.ok) return;
  const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
  const fresh = /** @type {HTMLElement | null} */ (parsed.querySelector("[data-outbox]"));
  if (!fresh) return;
  merge(list, fresh);
  list.dataset.version = fresh.dataset.version;
}

/**
 * Takes over new and changed messages and leaves the others as they are: a frame that is moved loads again, and a
 * part that was opened would close.
 * @param {HTMLElement} list
 * @param {HTMLElement} fresh
 */
function merge(list, fresh) {
  const known = keys(list);
  const arrived = [...keys(fresh)].some((key) => !known.has(key));
  if (shape(list) !== shape(fresh)) {
    list.replaceChildren(...fresh.childNodes);
  } else {
    for (const target of list.querySelectorAll("[data-messages]")) {
      const name = target.getAttribute("data-messages") ?? "";
      const source = fresh.querySelector(`[data-messages="${CSS.escape(name)}"]`);
      if (source) mergeMessages(target, source);
    }
  }
  const status = /** @type {HTMLElement | null} */ (document.querySelector("[data-outbox-status]"));
  if (arrived && status) status.textContent = status.dataset.words ?? "";
}

/**
 * @param {Element} target
 * @param {Element} source
 */
function mergeMessages(target, source) {
  const wanted = new Set([...source.children].map(keyOf));
  for (const child of [...target.children]) if (!wanted.has(keyOf(child))) child.remove();
  let place = target.firstElementChild;
  for (const child of [...source.children]) {
    if (place && keyOf(place) === keyOf(child)) {
      const next = place.nextElementSibling;
      if (place.getAttribute("data-version") !== child.getAttribute("data-version")) exchange(place, child);
      place = next;
    } else {
      child.setAttribute("data-fresh", "");
      target.insertBefore(child, place);
    }
  }
}

/**
 * Only the foot of a message changes (its state): the rest stays where it is.
 * @param {Element} before
 * @param {Element} after
 */
function exchange(before, after) {
  const oldFoot = before.querySelector(".outbox-foot");
  const newFoot = after.querySelector(".outbox-foot");
  if (oldFoot && newFoot) oldFoot.replaceWith(newFoot);
  before.setAttribute("data-version", after.getAttribute("data-version") ?? "");
}

/** @param {Element} element */
function keyOf(element) {
  return element.getAttribute("data-key");
}

/** @param {Element} list */
function keys(list) {
  return new Set([...list.querySelectorAll("[data-key]")].map(keyOf));
}

/** @param {Element} list */
function shape(list) {
  return [...list.querySelectorAll("[data-messages]")].map((each) => each.getAttribute("data-messages")).join(" ");
}
