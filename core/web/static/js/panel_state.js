/** What a person has done inside a part of the page, so that it outlives an exchange of the part's content. */

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const NOT_TYPED = ["button", "submit", "reset", "image", "checkbox", "radio", "hidden", "range", "color"];

/**
 * Would an exchange now happen under the person's hands? They are typing, have chosen files, or have a dialog open.
 * @param {HTMLElement} part
 */
export function isBusy(part) {
  const active = document.activeElement;
  if (active && part.contains(active)) {
    if (active instanceof HTMLInputElement && !NOT_TYPED.includes(active.type)) return true;
    if (active instanceof HTMLTextAreaElement || active instanceof HTMLSelectElement) return true;
    if (active instanceof HTMLElement && active.isContentEditable) return true;
  }
  if (part.querySelector("dialog[open], form[data-busy]")) return true;
  return [...part.querySelectorAll("input[type='file']")].some((field) => field instanceof HTMLInputElement && field.files?.length);
}

/** What the mouse, a finger or the space bar holds down just now. @type {EventTarget | null} */
let held = null;
/** @type {Set<() => void>} */
const afterwards = new Set();

/**
 * Does something as soon as nothing in this part is held down: a button that is exchanged between press and release would
 * never be clicked.
 * @param {HTMLElement} part
 * @param {() => void} act
 */
export function onceReleased(part, act) {
  if (held instanceof Node && part.contains(held)) afterwards.add(act);
  else act();
}

function release() {
  setTimeout(() => {
    held = null;
    const waiting = [...afterwards];
    afterwards.clear();
    for (const act of waiting) act();
  }); // the click comes first
}

document.addEventListener("pointerdown", (event) => (held = event.button === 0 ? event.target : null), true);
document.addEventListener("keydown", (event) => (held = event.key === " " ? event.target : held), true);
for (const name of ["pointerup", "pointercancel", "keyup"]) document.addEventListener(name, release, true);
addEventListener("blur", release);

/**
 * Remembers focus, open parts, scroll positions and changed fields.
 * @param {HTMLElement} part
 * @returns {() => void} puts them back into the new content, where it has the same things
 */
export function capture(part) {
  const restores = [captureDetails(part), captureFields(part), captureScroll(part), captureFocus(part)];
  return () => {
    for (const restore of restores) restore();
  };
}

/** @param {HTMLElement} part */
function captureDetails(part) {
  const open = new Map(named(part, "details").map(([key, details]) => [key, details.hasAttribute("open")]));
  return () => {
    for (const [key, details] of named(part, "details")) {
      const was = open.get(key);
      if (was !== undefined) details.toggleAttribute("open", was);
    }
  };
}

/** @param {HTMLElement} part */
function captureFields(part) {
  /** @type {Map<string, Field>} */
  const changed = new Map();
  for (const [key, field] of fields(part)) if (isChanged(field)) changed.set(key, field);
  return () => {
    for (const [key, field] of fields(part)) {
      const old = changed.get(key);
      if (old) copy(old, field);
    }
  };
}

/** @param {HTMLElement} part */
function captureScroll(part) {
  const places = named(part, "*").filter(([, element]) => element.scrollTop || element.scrollLeft);
  const known = new Map(places.map(([key, { scrollTop, scrollLeft }]) => [key, { scrollTop, scrollLeft }]));
  return () => {
    if (known.size === 0) return;
    for (const [key, element] of named(part, "*")) Object.assign(element, known.get(key) ?? {});
  };
}

/** @param {HTMLElement} part */
function captureFocus(part) {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === part || !part.contains(active)) return () => {};
  const key = named(part, FOCUSABLE).find(([, element]) => element === active)?.[0];
  const selection = active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement ? selectionOf(active) : undefined;
  return () => {
    const found = named(part, FOCUSABLE).find(([name]) => name === key)?.[1];
    if (found instanceof HTMLElement) {
      found.focus({ preventScroll: true });
      if (selection && (found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement)) found.setSelectionRange(...selection);
      return;
    }
    // Where the focused thing is gone, the keyboard goes on from its part and not from the top of the page.
    part.setAttribute("tabindex", "-1");
    part.focus({ preventScroll: true });
  };
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @returns {[number, number] | undefined} undefined for kinds of fields that have no selection
 */
function selectionOf(field) {
  const { selectionStart, selectionEnd } = field;
  return selectionStart === null || selectionEnd === null ? undefined : [selectionStart, selectionEnd];
}

/**
 * The elements that match, each with a key that the same thing has after an exchange: its id, else what it is and
 * the how-manieth such it is.
 * @param {HTMLElement} part
 * @param {string} selector
 * @returns {[string, Element][]}
 */
function named(part, selector) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return [...part.querySelectorAll(selector)].map((element) => {
    if (element.id) return [`#${element.id}`, element];
    const what = [element.tagName, ...["data-key", "name", "href", "value", "formaction", "class"].map((name) => element.getAttribute(name))];
    const form = element.closest("form");
    const kind = JSON.stringify([...what, form?.getAttribute("action")]);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return [`${kind}${count}`, element];
  });
}

/** @param {HTMLElement} part @returns {[string, Field][]} */
function fields(part) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {[string, Field][]} */
  const found = [];
  for (const field of part.querySelectorAll("input, textarea, select")) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement)) continue;
    if (!field.name || field.type === "hidden" || field.type === "file" || field.type === "password") continue;
    const choice = field.type === "radio" || field.type === "checkbox" ? field.value : "";
    const kind = JSON.stringify([field.form?.getAttribute("action"), field.name, field.type, choice]);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    found.push([`${kind}${count}`, field]);
  }
  return found;
}

/** @param {Field} field */
function isChanged(field) {
  if (field instanceof HTMLSelectElement) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  if (field.type === "radio" || field.type === "checkbox") return /** @type {HTMLInputElement} */ (field).checked !== /** @type {HTMLInputElement} */ (field).defaultChecked;
  return field.value !== field.defaultValue;
}

/** @param {Field} from @param {Field} to */
function copy(from, to) {
  if (from instanceof HTMLInputElement && to instanceof HTMLInputElement && (to.type === "radio" || to.type === "checkbox")) to.checked = from.checked;
  else if (from instanceof HTMLSelectElement && to instanceof HTMLSelectElement) {
    const chosen = new Set([...from.selectedOptions].map((option) => option.value));
    for (const option of to.options) option.selected = chosen.has(option.value);
  } else to.value = from.value;
}
