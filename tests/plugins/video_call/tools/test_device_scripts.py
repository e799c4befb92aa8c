"""The scripts of devices and of the bandwidth: what is named is turned on, and nothing else; in node."""

from __future__ import annotations

from tests.plugins.video_call.tools.scripts import play

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
