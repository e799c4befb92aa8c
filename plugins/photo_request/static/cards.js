/** The cards of chosen photos: picture, comment, delete with undo, progress. */
import { newId } from "./chosen.js";
import { say } from "./words.js";

/** @typedef {import("./chosen.js").Chosen} Chosen */

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
export function part(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the page lacks ${selector}`);
  return found;
}

/** One photo on the page. */
export class Card {
  /**
   * @param {string} name the file's name, until it has its number
   * @param {{ deleted: () => void, commented: (text: string) => void }} on
   */
  constructor(name, on) {
    const template = part(document, "#card", HTMLTemplateElement);
    this.element = part(/** @type {DocumentFragment} */ (template.content.cloneNode(true)), "li", HTMLLIElement);
    this.title = part(this.element, ".photo-name", HTMLElement);
    this.text = part(this.element, ".photo-text", HTMLElement);
    this.bar = part(this.element, "progress", HTMLProgressElement);
    this.actions = part(this.element, ".photo-actions", HTMLElement);
    this.opener = part(this.element, "[data-comment-open]", HTMLButtonElement);
    this.remover = part(this.element, "[data-delete]", HTMLButtonElement);
    this.field = part(this.element, "[data-comment]", HTMLElement);
    this.input = part(this.field, "textarea", HTMLTextAreaElement);
    this.title.textContent = name;
    this.text.textContent = say("preparing");
    this.actions.hidden = true;
    this.input.id = `comment-${newId()}`;
    this.label = part(this.field, "label", HTMLLabelElement);
    this.label.htmlFor = this.input.id;
    this.opener.setAttribute("aria-controls", this.input.id);
    this.opener.addEventListener("click", () => this.#toggle());
    this.remover.addEventListener("click", on.deleted);
    this.input.addEventListener("input", () => on.commented(this.input.value));
  }

  #toggle() {
    this.field.hidden = !this.field.hidden;
    this.opener.setAttribute("aria-expanded", String(!this.field.hidden));
    this.#nameOpener();
    if (!this.field.hidden) this.input.focus();
  }

  #nameOpener() {
    part(this.opener, "span", HTMLSpanElement).textContent = say(this.input.value.trim() ? "edit_comment" : "add_comment");
  }

  /**
   * The photo has been looked at: show it.
   * @param {Chosen} item
   */
  show(item) {
    const image = part(this.element, "img", HTMLImageElement);
    if (item.preview) {
      image.src = URL.createObjectURL(item.preview);
      image.hidden = false;
    } else {
      part(this.element, "[data-no-preview]", HTMLElement).hidden = false;
    }
    this.text.textContent = item.preview ? "" : say("no_preview");
    this.text.hidden = Boolean(item.preview);
    this.actions.hidden = false;
    this.input.value = item.comment;
    this.field.hidden = !item.comment;
    this.opener.setAttribute("aria-expanded", String(!this.field.hidden));
    this.#nameOpener();
  }

  /**
   * The place of this photo among the others.
   * @param {number} number
   */
  number(number) {
    const name = say("photo", { number });
    this.title.textContent = name;
    part(this.element, "img", HTMLImageElement).alt = name;
    this.label.textContent = say("comment_of", { photo: name });
    this.remover.setAttribute("aria-label", say("delete_of", { photo: name }));
    this.opener.setAttribute("aria-label", `${this.opener.textContent?.trim()} (${name})`);
    this.bar.setAttribute("aria-label", name);
  }

  /** Nothing can be changed any more: it is being sent. */
  sending() {
    this.actions.hidden = this.field.hidden = true;
    this.element.classList.remove("wrong");
    this.text.hidden = this.bar.hidden = false;
    this.text.textContent = say("queued");
    this.bar.value = 0;
  }

  /** @param {number} share from 0 to 1 */
  progress(share) {
    this.bar.value = share * 100;
    this.bar.hidden = share >= 1;
    this.element.classList.toggle("done", share >= 1);
    this.text.textContent = share >= 1 ? say("sent") : `${Math.round(share * 100)} %`;
  }

  /** @param {string} message */
  wrong(message) {
    this.element.classList.add("wrong");
    this.bar.hidden = true;
    this.text.hidden = false;
    this.text.textContent = message;
  }

  /** Free the memory of the picture. */
  drop() {
    const image = part(this.element, "img", HTMLImageElement);
    if (image.src) URL.revokeObjectURL(image.src);
    this.element.remove();
  }
}

/**
 * What stands in the place of a deleted photo until the next step: a word and a way back.
 * @param {string} name
 * @param {() => void} undo
 */
export function undoRow(name, undo) {
  const row = document.createElement("li");
  row.className = "pr-undo";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet";
  const word = document.createElement("span");
  word.textContent = say("undo");
  button.append(word);
  button.addEventListener("click", undo);
  row.append(say("deleted", { photo: name }), " ", button);
  return { row, button };
}
