/** The browser's colour picker beside the field for a colour: each follows the other. */

const field = document.querySelector("input[data-colour]");
const place = document.querySelector("[data-colour-picker]");
const picker = place?.querySelector("input[type=color]");
if (field instanceof HTMLInputElement && picker instanceof HTMLInputElement && place instanceof HTMLElement) {
  place.hidden = false;
  picker.addEventListener("input", () => (field.value = picker.value));
  field.addEventListener("input", () => {
    if (/^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value;
  });
}

export {};
