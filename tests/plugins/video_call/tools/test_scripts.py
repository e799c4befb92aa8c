"""What the scripts of the tools do when pages, connections and consents come and go; in node."""

from __future__ import annotations

from tests.plugins.video_call.tools.scripts import play


def test_one_points_at_the_same_thing_on_both_sides_or_at_nothing() -> None:
    """The clinician shares the whole screen, which their own page does not show, and points at the patient's face."""
    dots = play(
        """
    globalThis.getComputedStyle = () => ({ objectFit: "contain", transform: "" });
    globalThis.DOMMatrix = class { a = 1; };
    const { mountPointer } = await tools("pointer");
    const boxed = (left, srcObject) => Object.assign(new page.Element(), {
      srcObject, getBoundingClientRect: () => ({ left, top: 0, width: 100, height: 100 }) });
    const streams = (id) => ({ main: { id: `main ${id}` }, screen: { id: `screen ${id}` } });
    const side = (role, others, shows, cover) => {
      const opened = room(role);
      opened.streams = new Map(others.map((id) => [id, streams(id)]));
      const stage = boxed(0);
      stage.appendChild = (dot) => stage.children[stage.children.push(dot) - 1];
      const seen = shows(opened.streams);
      const places = { bar: new page.Element(), stage };
      const own = { ...host, ...places, patientPicture: () => seen.picture, screen: () => seen.screen };
      const signal = new AbortController().signal;
      mountPointer({ room: opened, host: own, facts: facts(role), signal }, () => cover?.() ?? null);
      const button = made["button-pointer"];
      const dots = () => stage.children.filter(({ gone }) => !gone).map(({ dataset }) => dataset.on);
      return { opened, press: () => button.click(), dots };
    };
    let file = null;
    const picture = (stream) => boxed(0, stream);
    const screen = (all) => boxed(100, all.get("c").screen);
    const desk = side("clinician", ["p"], (all) => ({ picture: boxed(200, all.get("p").main) }), () => file);
    const phone = side("patient", ["c"], (all) => ({ picture: picture({ id: "own" }), screen: screen(all) }));
    const guest = side("guest", ["c", "p"], (all) => ({ picture: picture(all.get("p").main), screen: screen(all) }));
    const sent = [];
    desk.opened.pointer = phone.opened.pointer = (said) => sent.push(said);
    const point = async (at) => {
      await settle(40);
      document.dispatchEvent(Object.assign(new Event("pointermove"), { clientX: at, clientY: 50 }));
      const said = sent.pop();
      for (const other of [desk, phone, guest]) other.opened.tell("pointer", { from: "x", ...said });
      return [said.on, desk.dots(), phone.dots(), guest.dots()];
    };
    desk.press();
    const face = await point(250);
    const beside = await point(450);
    file = { name: "file 1", element: boxed(0) };
    const covered = await point(50);
    desk.press();
    file = null;
    phone.press();
    const theirs = await point(150);
    say({ face, beside, covered, theirs });
    """
    )
    picture, screen = "picture p", "screen c"
    assert dots["face"] == [picture, [picture], [picture], [picture]]
    assert dots["beside"] == ["", [], [], []]
    assert dots["covered"] == ["file 1", ["file 1"], [], []]  # the file is not there on the others
    assert dots["theirs"] == [screen, [], [screen], [screen]]


# A patient who is asked; `now` is what they are asked for.
_ASKED = """
    const { mountConsents } = await tools("consent");
    const ended = new AbortController();
    const all = { room: room("patient"), host, facts: facts("patient"), signal: ended.signal };
    let now = [{ id: "1", kind: "still", state: "asked", wording: "One picture?" }];
    answers["/consents"] = () => ({ consents: now, recording: false });
    const consents = mountConsents(all);
    await settle();
    const dialog = made.question;
    const yes = dialog.querySelectorAll("button")[0];
    const wording = dialog.querySelector("[data-ct-wording]");
    const said = () => asked.filter(([method]) => method === "POST").map(([, path]) => path);
"""


def test_a_key_or_a_tap_that_was_on_its_way_agrees_to_nothing() -> None:
    counts = play(
        _ASKED
        + """
    const first = [dialog.open, focused.on === wording];
    yes.click();
    await settle(800);
    now = [{ id: "2", kind: "recording_video", state: "asked", wording: "A film?" }];
    await consents.refresh();
    yes.click();  // the words changed under the finger
    await settle();
    const early = said().length;
    await settle(800);
    yes.click();
    await settle();
    say({ first, early, meant: said(), words: wording.textContent });
    """
    )
    assert counts == {"first": [True, True], "early": 0, "meant": ["/consents/2"], "words": "A film?"}


def test_escape_is_no_answer_however_often() -> None:
    opens = play(
        _ASKED
        + """
    dialog.close();  // as the second Escape does
    const again = dialog.open;
    now = [];
    await consents.refresh();
    say([again, dialog.open, said().length]);
    """
    )
    assert opens == [True, False, 0]


def test_a_device_that_another_took_over_from_asks_nothing_and_takes_no_picture() -> None:
    said = play(
        """
    const { mountTools } = await tools("tools");
    const opened = room();
    const page_facts = facts("clinician", { chat: { accept: "", max_text: 1, max_bytes: 1 } });
    document.getElementById = () => ({ textContent: JSON.stringify({ ...page_facts, words: {} }) });
    globalThis.ResizeObserver = class { observe() {} };
    globalThis.addEventListener = () => undefined;
    let still = "asked";
    answers["/chat"] = { messages: [], documents: [] };
    const known = () => [{ id: "1", kind: "still", state: still, wording: "" }];
    answers["/consents"] = () => ({ consents: known(), recording: false });
    const detail = { topic: "video_call.call:1", type: "consent" };
    const changed = () => document.dispatchEvent(new CustomEvent("careroom:event", { detail }));
    await mountTools(opened, host);
    await settle();
    opened.tell("taken_over", {});
    still = "granted";
    asked.length = 0;
    changed();
    await settle();
    say([asked.length, host.bar.inert]);
    """
    )
    assert said == [0, True]


def test_a_board_is_the_same_on_both_sides_whatever_came_first() -> None:
    boards = play(
        """
    const { Log } = await tools("log");
    const { standing } = await tools("ops");
    const signal = new AbortController().signal;
    const side = (me) => new Log({ room: room(me), signal }, { changed() {}, refused() {} });
    const [desk, phone] = [side("clinician"), side("patient")];
    const stroke = (key, number) => ({ from: "p", board: "page", op: "stroke", body: {}, key, number });
    const clear = { from: "c", board: "page", op: "clear", body: {}, key: "x", number: 2 };
    for (const said of [stroke("a"), clear, stroke("a", 3), stroke("b", 1)]) desk.hear(said);
    for (const said of [stroke("b", 1), clear, stroke("a", 3)]) phone.hear(said);
    say([desk, phone].map((log) => standing(log.boards.page.values()).map(({ key }) => key)));
    """
    )
    assert boards == [["a"], ["a"]]


def test_what_is_drawn_while_the_line_is_away_is_sent_when_it_is_back_and_what_is_refused_is_nowhere() -> (
    None
):
    said = play(
        """
    const { Log } = await tools("log");
    const { standing } = await tools("ops");
    const opened = room();
    const [sent, taken, why] = [[], [], []];
    let answer = { ok: false, reason: "disconnected" };
    opened.stroke = async ({ key }) => (sent.push(key), answer);
    opened.retract = ({ key }) => taken.push(key);
    const signal = new AbortController().signal;
    const log = new Log({ room: opened, signal }, { changed() {}, refused: (reason) => why.push(reason) });
    const shown = () => standing(log.boards.page.values()).map(({ key }) => key);
    await log.put("page", "stroke", {}, "a");
    await log.read("page", async () => ({ strokes: [{ key: "z", op: "stroke", body: {}, number: 1 }] }));
    const away = shown();
    answer = { ok: true, answer: { number: 2 } };
    await log.again();
    answer = { ok: false, reason: "board_full" };
    await log.put("page", "stroke", {}, "b");
    log.hear({ from: "p", board: "page", op: "stroke", body: {}, key: "c" });
    log.hear({ from: "x", board: "page", op: "retract", body: {}, key: "c" });
    const foreign = shown();
    log.hear({ from: "p", board: "page", op: "retract", body: {}, key: "c" });
    say({ away, sent, taken, why, foreign, end: shown(), left: log.pending.size });
    """
    )
    assert said == {
        "away": ["z", "a"],
        "sent": ["a", "a", "b"],
        "taken": ["b"],
        "why": ["board_full"],
        "foreign": ["z", "a", "c"],
        "end": ["z", "a"],
        "left": 0,
    }


def test_a_picture_that_the_patient_may_not_open_is_shared_before_it_is_shown() -> None:
    said = play(
        """
    const { mountChat } = await tools("chat");
    const file = { id: "f", name: "", picture: true, state: "ready", url: "", thumb: "" };
    const still = { id: "d", kind: "still", title: "", shared: false, time: "", file };
    answers["/chat"] = { messages: [], documents: [still] };
    const done = [];
    answers["/documents/d/share"] = () => (done.push("shared"), {});
    const all = { room: room(), host, facts: facts("clinician", { chat: { accept: "", max_text: 1, max_bytes: 1 } }) };
    const signal = new AbortController().signal;
    mountChat({ ...all, signal }, { open: (id) => done.push(id) });
    await settle();
    const button = made.file.querySelector("button");
    const words = button.querySelector("span").textContent;
    button.click();
    await settle();
    say([words, ...done]);
    """
    )
    assert said == ["share_and_show", "shared", "f"]


def test_what_an_older_page_said_does_not_tear_down_the_connection_to_the_new_one() -> None:
    clients = play(
        """
    const { Link } = await line("link");
    const no = () => undefined;
    const around = { talking: () => true, ice: no, isLive: () => true, check: no, tracks: () => ({}), limit: no };
    const person = { id: "c", role: "clinician", client_id: "old", generation: 1, here: true };
    const link = new Link(person, true, { ...around, post: no, drop: no, tell: no });
    link.update({ ...person, client_id: "new", generation: 2 });
    const signal = { from: "c", to_client: "me", generation: 1, number: 7, kind: "bye", body: {} };
    link.take({ ...signal, client_id: "old" });
    const after = link.client;
    link.take({ ...signal, client_id: "newest" });  // its own word may be here before the server's
    say([after, link.client]);
    """
    )
    assert clients == ["new", "newest"]
