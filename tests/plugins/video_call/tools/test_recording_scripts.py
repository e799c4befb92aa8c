"""The script that records: holds, grants that are taken back, the last part, another microphone; in node."""

from __future__ import annotations

from tests.plugins.video_call.tools.scripts import play

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
