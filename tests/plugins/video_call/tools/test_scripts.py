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
        const patient = (name) => import({json.dumps((STATIC / "patient").as_uri())} + "/" + name);
        const line = (name) => import({json.dumps((STATIC / "line").as_uri())} + "/" + name + ".js");
        const {{ answers, asked, facts, focused, host, made, mixed, recorders, room, settle, told }} = page;
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


def test_another_microphone_goes_into_the_recording_in_place_of_the_one_before() -> None:
    heard = play(
        _RECORD
        + """
    await settle();
    const mic = (id) => ({ kind: "audio", id });
    const [first, second, camera] = [mic("first"), mic("second"), { kind: "video", id: "camera" }];
    const steps = [];
    for (const track of [first, camera, second, null, first]) {
      opened.tell("own", { kind: track === camera ? "video" : "audio", track });
      steps.push([...mixed].map(({ id }) => id));
    }
    say(steps);
    """
    )
    assert heard == [["first"], ["first"], ["second"], [], ["first"]]


def test_a_browser_that_cannot_record_says_so_before_the_patient_is_asked() -> None:
    said = play(
        "recorders.types = /mp4/;"
        + _RECORD
        + """
    await settle();
    say([button.title, button.attributes.get("aria-disabled"), told, begun(), recorders.length]);
    """
    )
    assert said == ["cannot_record", "true", ["cannot_record"], 0, 0]


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


# A patient who went on without camera and microphone; `live` says what is on.
_WITHOUT = """
    const stub = (code) => "data:text/javascript," + encodeURIComponent(code);
    const [server, where] = ["export const base = '/v/1/', height = 360", "export const isInApp = false"].map(stub);
    const others = { "./server.js": server, "./where.js": where };
    const { register } = await import("node:module");
    register(stub(`export const resolve = (name, context, next) => {
      const url = ${JSON.stringify(others)}[name];
      return url ? { url, shortCircuit: true } : next(name, context);
    }`));
    let allowed = true;
    const opened = (kind) => Object.assign(new EventTarget(), { kind, readyState: "live", enabled: true, stop() {} });
    const getUserMedia = async ({ audio }) => {
      if (!allowed) throw new DOMException("for the test", "NotAllowedError");
      return new page.MediaStream([opened(audio ? "audio" : "video")]);
    };
    globalThis.navigator = { mediaDevices: { getUserMedia } };
    const kept = new Map();
    const setItem = (key, value) => kept.set(key, value);
    globalThis.sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem };
    const { devices, doWithout, how, off, track, tryAgain, turn, turnOff, turnOn } = await patient("devices.js");
    const live = () => ["camera", "microphone"].filter((kind) => track(kind)?.enabled);
    doWithout("camera", "microphone");
"""


def test_what_is_turned_on_is_the_one_device_that_was_named() -> None:
    said = play(
        _WITHOUT
        + """
    await turn("camera", true);
    const one = live();
    await turnOn();  // as after a phone call
    const still = live();
    await turn("microphone", true);
    say([one, still, live(), how]);
    """
    )
    assert said == [
        ["camera"],
        ["camera"],
        ["camera", "microphone"],
        {"camera": "good", "microphone": "good"},
    ]


def test_what_was_off_is_off_after_the_page_was_loaded_again() -> None:
    said = play(
        _WITHOUT
        + """
    await turn("microphone", true);
    turnOff("microphone", true);
    const again = await patient("devices.js?again");
    await again.turnOn();
    const before = ["camera", "microphone"].map((kind) => again.track(kind)?.enabled ?? null);
    await again.turn("camera", true);
    await again.turn("microphone", true);
    const third = await patient("devices.js?third");
    say([before, third.off, third.how.camera]);
    """
    )
    assert said == [[None, False], {"camera": False, "microphone": False}, "wait"]


def test_two_buttons_pressed_at_once_open_both_and_one_that_is_refused_says_so() -> None:
    said = play(
        _WITHOUT
        + """
    const refused = [];
    devices.addEventListener("refused", ({ detail }) => refused.push(detail));
    allowed = false;
    await turn("microphone", true);
    const denied = [how.microphone, how.camera];
    allowed = true;
    turnOff("camera", true);  // pressed in the waiting room
    await Promise.all([turn("camera", true), turn("microphone", true)]);
    say([refused, denied, live()]);
    """
    )
    assert said == [["microphone"], ["denied", "chosen_off"], ["camera", "microphone"]]


def test_camera_and_screen_keep_to_the_bandwidth_together() -> None:
    most = play(
        """
    const { Peer } = await line("peer");
    const sender = () => ({
      track: null, encodings: [{}],
      async replaceTrack(track) { this.track = track; },
      getParameters() { return { encodings: this.encodings }; },
      async setParameters({ encodings }) { this.encodings = encodings; },
    });
    const tracks = { audio: {}, video: {}, screen: null };
    let limit = 800;
    const peer = new Peer({ tracks: () => tracks, limit: () => limit });
    peer.transceivers = [0, 1, 2].map(() => ({ sender: sender() }));
    const bounds = async () => {
      await peer.send();
      return peer.transceivers.map(({ sender }) => sender.encodings[0].maxBitrate ?? null);
    };
    const steps = [await bounds()];
    tracks.screen = {};
    steps.push(await bounds());
    tracks.video = null;
    steps.push(await bounds());
    limit = null;
    tracks.video = {};
    steps.push(await bounds());
    say(steps);
    """
    )
    assert [each[0] for each in most] == [None] * 4  # sound comes first
    assert most[0][1] == 800_000
    assert most[1][1:] == [200_000, 600_000]
    assert most[2][2] == 800_000
    assert most[3][1:] == [None, None]


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
