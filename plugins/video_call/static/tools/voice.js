/**
 * On a guest's page: may their voice go into the recording? Asked when a recording begins, or when they join one; whoever
 * said yes is not asked again by the same page.
 */
import { control, make, on, part, say } from "./host.js";

/** @param {import("./host.js").Tools} tools */
export function mountVoice({ room, host, facts }) {
  const dialog = /** @type {HTMLDialogElement} */ (make("question"));
  const wrong = part(dialog, "[data-ct-wrong]", HTMLElement);
  const buttons = [...dialog.querySelectorAll("button")];
  let agreed = false;
  host.stage.ownerDocument.body.append(dialog);
  on(room, "control", ({ from, kind }) => {
    if (kind !== "ask_guest_recording") return;
    if (agreed) {
      void answer(true);
      return;
    }
    const words = say(facts, "may_record_voice", { name: room.people.get(from)?.name ?? "" });
    part(dialog, "[data-ct-wording]", HTMLElement).textContent = words;
    wrong.hidden = true;
    if (!dialog.open) dialog.showModal();
    host.announce(words);
  });
  // Escape is no answer.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  for (const button of buttons) button.addEventListener("click", () => void answer(button.value === "yes"));
  on(room, "over", () => dialog.close());

  /** @param {boolean} yes */
  async function answer(yes) {
    const said = await control(room, "guest_recorded", { agreed: yes });
    wrong.textContent = say(facts, "failed");
    wrong.hidden = said.ok;
    if (!said.ok) return;
    agreed = yes;
    dialog.close();
  }
}
