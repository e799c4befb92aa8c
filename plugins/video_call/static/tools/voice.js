/**
 * On a guest's page: may their voice go into the recording? Asked when a recording begins, or when they join one; whoever
 * said yes is not asked again by the same page.
 */
import { control, on, say } from "./host.js";
import { question } from "./question.js";

/** @param {import("./host.js").Tools} tools */
export function mountVoice(tools) {
  const { room, facts } = tools;
  const dialog = question(tools, answer);
  let agreed = false;
  on(room, "control", ({ from, kind }) => {
    if (kind !== "ask_guest_recording") return;
    if (agreed) {
      void answer(true);
      return;
    }
    dialog.ask(from, say(facts, "may_record_voice", { name: room.people.get(from)?.name ?? "" }));
  });

  /** @param {boolean} yes */
  async function answer(yes) {
    const said = await control(room, "guest_recorded", { agreed: yes });
    if (!said.ok) return dialog.fail(say(facts, "failed"));
    agreed = yes;
    dialog.close();
  }
}
