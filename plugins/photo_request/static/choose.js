/** The patient's page: choose photos, check them, agree, send. Without this script it is a plain form. */
import { all, forget, keep, newId } from "./chosen.js";
import { Card, part, undoRow } from "./cards.js";
import { look } from "./picture.js";
import { Refusal, agree, post, sendAll } from "./send.js";
import { megabytes, say } from "./words.js";

/** @typedef {import("./chosen.js").Chosen} Chosen */

const form = part(document, "#photos-form", HTMLFormElement);
const list = part(form, "#photos", HTMLUListElement);
const outgoing = part(form, "#outgoing", HTMLUListElement);
const problems = part(form, "#problems", HTMLElement);
const status = part(document, "#status", HTMLElement);
const tick = part(form, "[name='agreed']", HTMLInputElement);
const tickError = part(form, "#agree-error", HTMLElement);
const meter = part(form, "#meter", HTMLElement);
const retry = part(form, "#retry", HTMLButtonElement);
const giveUp = part(form, "#give-up", HTMLButtonElement);
const waiting = part(form, "#waiting", HTMLElement);
const totalBar = part(form, "#total", HTMLProgressElement);

/** @param {string} name */
const setting = (name) => form.dataset[name] ?? "";
const limits = {
  photos: Number(setting("maxPhotos")),
  bytes: Number(setting("maxBytes")),
  usedPhotos: Number(setting("usedPhotos")),
  usedBytes: Number(setting("usedBytes")),
};

/** @type {Map<string, { item: Chosen, card: Card }>} */
const chosen = new Map();
/** @type {Map<string, number>} */
const shares = new Map();
let looking = Promise.resolve();
let preparing = 0;

/** @param {1 | 2 | 3} step */
function go(step) {
  if (form.dataset.step === String(step)) return;
  form.dataset.step = String(step);
  part(form, "#sending", HTMLElement).hidden = step !== 3;
  if (step === 1) return;
  const heading = part(form, step === 2 ? "#choose-title" : "#sending-title", HTMLElement);
  heading.focus();
  heading.scrollIntoView({ block: "start" });
}

const items = () => [...chosen.values()].map(({ item }) => item);
const bytesChosen = () => items().reduce((sum, item) => sum + item.blob.size, limits.usedBytes);

/** @param {string} sentence */
function complain(sentence) {
  const line = document.createElement("p");
  line.className = "error";
  line.textContent = sentence;
  problems.append(line);
}

function renumber() {
  let number = 0;
  for (const { card } of chosen.values()) card.number((number += 1));
  const used = bytesChosen();
  meter.hidden = false;
  part(meter, "[data-meter-words]", HTMLElement).textContent = say("meter", {
    count: limits.usedPhotos + chosen.size,
    max: limits.photos,
    used: megabytes(used),
    limit: megabytes(limits.bytes),
  });
  part(meter, "progress", HTMLProgressElement).value = Math.min(100, (used / limits.bytes) * 100);
  form.toggleAttribute("data-full", limits.usedPhotos + chosen.size >= limits.photos);
}

/**
 * Put a photo on the page.
 * @param {Chosen} item
 * @param {Card} card
 */
function place(item, card) {
  chosen.set(item.id, { item, card });
  card.show(item);
  renumber();
}

/** @param {string} id the id that the card will have */
function makeCard(id, name = "") {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return new Card(name, {
    deleted: () => remove(id),
    commented: (text) => {
      const entry = chosen.get(id);
      if (!entry) return;
      entry.item.comment = text;
      clearTimeout(timer);
      timer = setTimeout(() => void keep(entry.item), 300);
    },
  });
}

/** @param {string} id */
function remove(id) {
  const entry = chosen.get(id);
  if (!entry) return;
  const order = [...chosen.keys()];
  chosen.delete(id);
  void forget(id);
  const name = entry.card.title.textContent ?? "";
  const { row, button } = undoRow(name, () => {
    row.replaceWith(entry.card.element);
    const kept = new Map(chosen);
    chosen.clear();
    for (const key of order) {
      const back = key === id ? entry : kept.get(key);
      if (back) chosen.set(key, back);
    }
    for (const [key, value] of kept) if (!chosen.has(key)) chosen.set(key, value);
    void keep(entry.item);
    renumber();
    entry.card.remover.focus();
  });
  entry.card.element.replaceWith(row);
  renumber();
  button.focus();
}

/** @param {File} file */
async function add(file) {
  const name = file.name.length > 40 ? `${file.name.slice(0, 37)}…` : file.name;
  const origin = `${file.name}/${file.size}/${file.lastModified}`;
  if (items().some((item) => item.origin === origin)) return complain(say("twice", { name }));
  if (limits.usedPhotos + chosen.size >= limits.photos) return complain(say("too_many", { name, max: limits.photos }));
  const id = newId();
  const card = makeCard(id, name);
  list.append(card.element);
  const found = await look(file);
  if (typeof found === "string") {
    card.drop();
    return complain(say(found, { name }));
  }
  if (bytesChosen() + found.blob.size > limits.bytes) {
    card.drop();
    return complain(say("too_much", { name, limit: megabytes(limits.bytes) }));
  }
  /** @type {Chosen} */
  const item = {
    id,
    origin,
    name: file.name,
    request: setting("request"),
    blob: found.blob,
    preview: found.preview,
    comment: "",
    at: Date.now(),
    agreed: false,
    url: null,
  };
  await keep(item);
  place(item, card);
}

const pickers = [...form.querySelectorAll("[data-pick]")].filter((input) => input instanceof HTMLInputElement);
for (const input of pickers) {
  input.removeAttribute("name"); // what is chosen is sent by this script, not with the form
  input.addEventListener("change", () => take(input));
}

/** @param {HTMLInputElement} input */
function take(input) {
  const files = [...(input.files ?? [])];
  input.value = ""; // so that the same photo can be chosen again after it was deleted
  if (!files.length) return;
  problems.replaceChildren();
  list.querySelectorAll(".pr-undo").forEach((row) => row.remove());
  go(2);
  preparing += files.length;
  for (const file of files) {
    looking = looking.then(() => add(file)).finally(() => (preparing -= 1));
  }
}

tick.addEventListener("change", () => {
  tickError.hidden = true;
  tick.removeAttribute("aria-invalid");
});

form.noValidate = true;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  void press();
});

async function press() {
  if (preparing) await looking;
  problems.replaceChildren();
  if (!chosen.size) return complain(say("nothing"));
  if (!tick.checked) {
    tickError.hidden = false;
    tick.setAttribute("aria-invalid", "true");
    tick.setAttribute("aria-describedby", "agree-error");
    tick.focus();
    return;
  }
  await send(items());
}

/** @type {import("./send.js").Course} */
const course = {
  agreeUrl: setting("agreeUrl"),
  uploadsUrl: setting("uploadsUrl"),
  failed: say("failed"),
  progress: (item, share) => {
    chosen.get(item.id)?.card.progress(share);
    shares.set(item.id, share);
    const sum = [...shares.values()].reduce((one, other) => one + other, 0);
    totalBar.value = (sum / Math.max(1, shares.size)) * 100;
    if (share === 1) tellHowFar();
  },
  refused: (item, message) => chosen.get(item.id)?.card.wrong(message),
  waiting: (isWaiting) => {
    if (waiting.hidden === !isWaiting) return;
    waiting.hidden = !isWaiting;
    retry.hidden = !isWaiting;
    status.textContent = isWaiting ? say("waiting") : "";
  },
};

function tellHowFar() {
  const done = [...shares.values()].filter((share) => share === 1).length;
  const words = say("sending", { done, total: shares.size });
  part(form, "[data-sending-words]", HTMLElement).textContent = words;
  status.textContent = words;
}

/**
 * Send these photos; what was agreed to before the page was reloaded is not asked again.
 * @param {Chosen[]} photos
 */
async function send(photos) {
  go(3);
  retry.hidden = giveUp.hidden = true;
  for (const item of photos) {
    const card = chosen.get(item.id)?.card;
    if (!card) continue;
    card.sending();
    outgoing.append(card.element);
    shares.set(item.id, 0);
  }
  tellHowFar();
  try {
    if (!photos.every((item) => item.agreed)) await agree(photos, course);
  } catch (error) {
    for (const item of photos) {
      const card = chosen.get(item.id)?.card;
      card?.show(item);
      if (card) list.append(card.element);
      shares.delete(item.id);
    }
    go(2);
    complain(error instanceof Refusal ? error.message : say("failed"));
    return;
  }
  for (const item of photos) {
    item.agreed = true;
    await keep(item);
  }
  const left = await sendAll(photos, course);
  if (!left.length) {
    status.textContent = say("all_sent");
    location.replace(setting("doneUrl"));
    return;
  }
  retry.hidden = giveUp.hidden = false;
  retry.focus();
}

retry.addEventListener("click", () => {
  if (!waiting.hidden) document.dispatchEvent(new Event("careroom:retry"));
  else void again();
});

/** Send what was refused once more, under new names: the practice remembers what it refused. */
async function again() {
  const left = items().filter((item) => shares.get(item.id) !== 1);
  for (const item of left) {
    const entry = chosen.get(item.id);
    if (!entry) continue;
    await post(withdrawUrl(item.id), {}, say("failed")).catch(() => null);
    await forget(item.id);
    chosen.delete(item.id);
    shares.delete(item.id);
    entry.item = { ...item, id: newId(), url: null, agreed: false };
    await keep(entry.item);
    chosen.set(entry.item.id, entry);
  }
  await send(items().filter((item) => shares.get(item.id) !== 1));
}

giveUp.addEventListener("click", async () => {
  for (const item of items().filter((each) => shares.get(each.id) !== 1)) {
    await post(withdrawUrl(item.id), {}, say("failed")).catch(() => null);
    await forget(item.id);
  }
  location.replace(setting("doneUrl"));
});

/** @param {string} id */
function withdrawUrl(id) {
  return setting("withdrawUrl").replace("00000000-0000-0000-0000-000000000000", id);
}

async function begin() {
  for (const shown of form.querySelectorAll("[data-script]")) shown.removeAttribute("hidden");
  // Photos that a quick hand chose while the phone's store was being opened are chosen already.
  const stored = (await all(setting("request"))).filter((item) => !chosen.has(item.id));
  if (!stored.length) return preparing || chosen.size ? undefined : go(1);
  for (const item of stored) {
    const card = makeCard(item.id, item.name);
    list.append(card.element);
    place(item, card);
  }
  if (stored.some((item) => item.agreed)) return send(items());
  go(2);
  status.textContent = say("kept");
}

// A quick hand on a slow phone may have chosen photos before this script was there.
void begin().then(() => pickers.forEach(take));
