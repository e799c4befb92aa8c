"""What the scripts of the tools do when pages, connections and consents come and go; in node, on a page made of air."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
STATIC = Path(__file__).parents[4] / "plugins" / "video_call" / "static"


def play(script: str) -> Any:
    """Run a script against the modules of the tools; answers what it says with ``say(...)``."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    start = f"""
        const page = await import({json.dumps((HERE / "fake_page.mjs").as_uri())});
        const tools = (name) => import({json.dumps((STATIC / "tools").as_uri())} + "/" + name + ".js");
        const line = (name) => import({json.dumps((STATIC / "line").as_uri())} + "/" + name + ".js");
        const {{ answers, asked, facts, focused, host, made, recorders, room, settle, told }} = page;
        const say = (said) => {{ console.log(JSON.stringify(said)); process.exit(0); }};
    """
    answer = subprocess.run(
        [node, "--input-type=module", "-e", start + script],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


# A clinician whose patient agreed to a recording; `consent` changes what the server says of it.
_RECORD = """
    const { mountConsents } = await tools("consent");
    const { mountRecord } = await tools("record");
    const ended = new AbortController();
    const opened = room();
    const all = { room: opened, host, facts: facts("clinician"), signal: ended.signal };
    let consent = "granted", number = 0;
    const known = () => [{ id: "1", kind: "recording_audio", state: consent, wording: "" }];
    answers["/consents"] = () => ({ consents: known(), recording: false });
    answers["/recordings"] = () => ({ parts: `/recordings/${++number}` });
    answers["/recordings/"] = (url, body) =>
      ({ received: Number(/from=(\\d+)/.exec(url)[1]) + (body?.size ?? 0) });
    const parts = () => asked.filter(([, path]) => path.startsWith("/recordings/1"));
    const consents = mountConsents(all);
    const finish = mountRecord(all, consents);
    const begun = () => asked.filter(([, path]) => path === "/recordings").length;
    const lasts = () => asked.filter(([, path]) => path.endsWith("&last")).length;
    const runs = () => recorders.filter(({ state }) => state !== "inactive").length;
    const to = async (state, now) => {
      [consent, opened.state] = [now, state];
      opened.tell("state", { state });
      await settle();
    };
    await settle();
    const button = made["button-record"];
    button.click();
"""


def test_one_recording_whatever_is_pressed_and_rebuilt_and_none_after_stop() -> None:
    counts = play(
        _RECORD
        + """
    button.click();  // twice
    await settle();
    const twice = [begun(), runs()];
    opened.tell("stream", { kind: "main", person: "p", stream: {} });
    await settle();
    const rebuilt = [begun(), runs(), lasts()];
    for (let i = 0; i < 3; i += 1) opened.tell("stream", { kind: "main", person: "p", stream: {} });
    await settle();
    const often = runs();
    button.click();
    await settle();
    opened.tell("stream", { kind: "main", person: "p", stream: {} });
    await settle();
    say({ twice, rebuilt, often, stopped: runs(), open: begun() - lasts() });
    """
    )
    assert counts == {"twice": [1, 1], "rebuilt": [2, 1, 1], "often": 1, "stopped": 0, "open": 0}


def test_a_hold_pauses_a_recording_and_what_was_not_sent_is_sent_afterwards() -> None:
    said = play(
        _RECORD
        + """
    await settle();
    await to("on_hold", "paused");
    const held = [recorders[0].state, parts().length];
    await to("admitted", "granted");
    const sent = parts().map(([, path, , size]) => [path, size]);
    say({ held, after: recorders[0].state, sent, told, begun: begun() });
    """
    )
    assert said["held"] == ["paused", 0]
    assert (said["after"], said["begun"]) == ("recording", 1)
    assert said["sent"] == [["/recordings/1?from=0", 10]]
    assert "taken_back" not in said["told"]


def test_a_grant_that_is_taken_back_ends_it_and_nothing_more_is_sent() -> None:
    said = play(
        _RECORD
        + """
    await settle();
    recorders[0].give(5);
    await settle();
    await to("in_call", "revoked");
    say({ runs: runs(), told, sizes: parts().map(([, , , size]) => size) });
    """
    )
    assert said["runs"] == 0
    assert said["told"].count("taken_back") == 1
    assert said["sizes"] == [5, 0]


def test_the_end_waits_for_the_last_part_and_a_page_that_was_taken_over_from_sends_nothing() -> None:
    script = (
        _RECORD
        + """
    await settle();
    asked.length = 0;
    ended.abort(%s);
    await finish();
    say([runs(), asked.map(([, path, , size]) => [path, size])]);
    """
    )
    assert play(script % '"over"') == [0, [["/recordings/1?from=0", 10], ["/recordings/1?from=10&last", 0]]]
    runs, sent = play(script % '"taken_over"')
    assert (runs, [size for _path, size in sent]) == (0, [0])


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
