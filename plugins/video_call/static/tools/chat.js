/** The chat: lines and files, which both sides read now and after the call. */
import { ask, make, onChange, panelOf, part, Refusal, say } from "./host.js";

/**
 * @typedef {{id: string, name: string, size: number, picture: boolean, state: string, refusal: string | null, url: string, thumb: string}} FileFacts
 * @typedef {{id: string, mine: boolean, role: string, name: string, text: string, at: string, time: string, file: FileFacts | null}} Line
 * @typedef {{id: string, kind: string, title: string, shared: boolean, time: string, file: FileFacts}} Kept
 */

/**
 * @param {import("./host.js").Tools} tools
 * @param {{open: (file: string) => unknown}} show
 */
export function mountChat(tools, show) {
  const { host, facts } = tools;
  const { panel, toggle } = panelOf(host, "chat", opened);
  const list = part(panel, "[data-ct-lines]", HTMLOListElement);
  const form = part(panel, "form", HTMLFormElement);
  const text = part(form, "textarea", HTMLTextAreaElement);
  const input = part(form, "input[type=file]", HTMLInputElement);
  const wrong = part(panel, "[data-ct-wrong]", HTMLElement);
  const badge = document.createElement("span");
  /** @type {Set<string>} */
  const seen = new Set();
  let unread = 0;
  let first = true;
  let asking = 0;
  /** The key of what is being sent: sent again after a lost answer, it is one line. */
  let pending = { text: "", key: "" };

  input.accept = facts.chat.accept;
  text.maxLength = facts.chat.max_text;
  badge.className = "ct-badge";
  badge.hidden = true;
  toggle.append(badge);

  /** @param {boolean} is */
  function opened(is) {
    if (!is) return;
    unread = 0;
    badge.hidden = true;
    list.scrollTop = list.scrollHeight;
    text.focus();
  }

  async function refresh() {
    const number = ++asking;
    try {
      const read = await ask(facts, "chat");
      if (number === asking) draw(read);
    } catch {
      // The next change, or the next line, asks again.
    }
  }

  /** @param {{messages: Line[], documents: Kept[]}} read */
  function draw(read) {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const fresh = read.messages.filter((line) => !seen.has(line.id));
    list.replaceChildren(...read.messages.map((line) => row(line)), ...read.documents.map((one) => keptRow(one)));
    for (const line of read.messages) seen.add(line.id);
    const others = fresh.filter((line) => !line.mine);
    if (!first && others.length) {
      const last = others[others.length - 1];
      host.announce(say(facts, "wrote", { name: last?.name ?? "", text: last?.file ? last.file.name : (last?.text ?? "") }));
      if (panel.hidden) {
        unread += others.length;
        badge.textContent = String(unread);
        badge.hidden = false;
      }
    }
    if (atEnd || first) list.scrollTop = list.scrollHeight;
    part(panel, "[data-ct-empty]", HTMLElement).hidden = Boolean(list.children.length);
    first = false;
  }

  /** @param {Line} line */
  function row(line) {
    const made = make("line");
    made.toggleAttribute("data-mine", line.mine);
    part(made, "[data-ct-name]", HTMLElement).textContent = line.mine ? say(facts, "you") : line.name;
    const time = part(made, "time", HTMLTimeElement);
    time.dateTime = line.at;
    time.textContent = line.time;
    part(made, "[data-ct-text]", HTMLElement).textContent = line.text;
    if (line.file) made.append(fileOf(line.file));
    return made;
  }

  /** @param {Kept} one */
  function keptRow(one) {
    const made = make("kept");
    part(made, "[data-ct-name]", HTMLElement).textContent = one.title;
    part(made, "time", HTMLTimeElement).textContent = one.time;
    const shared = () => act(() => ask(facts, `documents/${one.id}/share`, { json: { shared: true } }));
    made.append(one.shared || facts.role !== "clinician" ? fileOf(one.file) : fileOf(one.file, shared));
    if (facts.role !== "clinician") return made;
    const share = make("share");
    const box = part(share, "input", HTMLInputElement);
    box.checked = one.shared;
    box.addEventListener("change", () => void act(() => ask(facts, `documents/${one.id}/share`, { json: { shared: box.checked } })));
    made.append(share);
    return made;
  }

  /** @param {FileFacts} file @param {() => Promise<boolean>} [share] what has to be done before the others can see it */
  function fileOf(file, share) {
    const made = make("file");
    const link = part(made, "a", HTMLAnchorElement);
    part(link, "[data-ct-file]", HTMLElement).textContent = file.name;
    const image = part(made, "img", HTMLImageElement);
    const ready = file.state === "ready";
    image.hidden = !(file.picture && ready);
    if (!image.hidden) image.src = file.thumb;
    if (ready) link.href = file.url;
    else part(made, "[data-ct-state]", HTMLElement).textContent = file.refusal ?? say(facts, "preparing");
    const large = part(made, "button", HTMLButtonElement);
    large.hidden = !(file.picture && ready) || facts.role === "guest";
    if (share) part(large, "span", HTMLSpanElement).textContent = say(facts, "share_and_show");
    large.addEventListener("click", async () => {
      if (!share || (await share())) await show.open(file.id);
    });
    return made;
  }

  /** @param {() => Promise<unknown>} send */
  async function act(send) {
    wrong.hidden = true;
    form.toggleAttribute("data-busy", true);
    try {
      await send();
      await refresh();
      return true;
    } catch (error) {
      wrong.textContent = error instanceof Refusal ? error.message : say(facts, "failed");
      wrong.hidden = false;
      return false;
    } finally {
      form.toggleAttribute("data-busy", false);
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = text.value.trim();
    if (!said || form.hasAttribute("data-busy")) return;
    if (pending.text !== said) pending = { text: said, key: crypto.randomUUID() };
    if (await act(() => ask(facts, "chat", { json: pending }))) {
      text.value = "";
      pending = { text: "", key: "" };
    }
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  input.addEventListener("change", async () => {
    for (const file of [...(input.files ?? [])]) {
      await act(() => {
        if (file.size > facts.chat.max_bytes) throw new Refusal(say(facts, "too_large"));
        return ask(facts, `chat/files?key=${crypto.randomUUID()}`, { body: file, type: "application/octet-stream", name: file.name });
      });
    }
    input.value = "";
  });

  onChange(tools, ["chat", "document"], refresh);
  void refresh();
}
