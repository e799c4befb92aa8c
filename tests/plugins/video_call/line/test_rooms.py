"""Two real pages: frames flow, and go on after everything that may happen to a page or to the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute

from tests.plugins.video_call.line.rooms import Consultation, as_amira, as_patient, enter, flows
from tests.support.running import Careroom, eventually

pytestmark = pytest.mark.browser

_PEER = "[...room.mesh.links.values()][0]?.peer"
READY = f"{_PEER}?.pc?.signalingState === 'stable' && {_PEER}.pc.remoteDescription && {_PEER}.held.length > 0"
CROSSED = f"""async () => {{
  const found = [...(await {_PEER}.pc.getStats()).values()];
  return {{
    pairs: found.filter((each) => each.type === "candidate-pair" || each.type === "remote-candidate").length,
    sent: {_PEER}.pc.getSenders().filter((sender) => sender.track).length,
    shown: Boolean(document.querySelector("video").srcObject),
    line: room.line,
  }};
}}"""


def test_admitting_lets_frames_flow_and_what_breaks_comes_back(
    window: Callable[[], Page], made: Consultation
) -> None:
    amira, patient = as_amira(window(), made), as_patient(window(), made)
    enter(patient)
    enter(amira)
    # While the patient waits a connection is got ready: described, but no address told, nothing sent, nothing shown.
    for page in (amira, patient):
        page.wait_for_function(READY)
        page.wait_for_timeout(300)
        assert page.evaluate(CROSSED) == {"pairs": 0, "sent": 0, "shown": False, "line": "connecting"}
    assert patient.evaluate("room.state") == "ready"
    assert amira.evaluate("[...room.people.values()].map((p) => [p.role, p.here])") == [["patient", True]]
    made.admit()
    flows(amira)
    flows(patient)
    eventually(lambda: made.state == "in_call", what="in_call")

    # Pointer and strokes go past the server.
    amira.evaluate("room.pointer({ x: 0.25, y: 0.5 })")
    patient.wait_for_function("heard.some(([name, said]) => name === 'pointer' && said.x === 0.25)")

    # The patient loads the page again: no second admission; then the clinician; then both.
    patient.reload()
    patient.wait_for_function("window.isReady")
    enter(patient)
    flows(patient)
    flows(amira)
    for page in (amira, patient):
        page.reload()
        page.wait_for_function("window.isReady")
    enter(amira)
    enter(patient)
    flows(patient)
    flows(amira)
    assert made.state == "in_call"

    # A hold: the connection stays, nothing is sent; and it goes on.
    made.step("hold")
    patient.wait_for_function("room.state === 'on_hold'")
    patient.wait_for_function("room.mesh.tracks.video === null")
    made.step("resume")
    flows(amira)
    flows(patient)
    eventually(lambda: made.state == "in_call", what="in_call again")

    # A second phone takes over, and the first is told.
    second = as_patient(window(), made)
    enter(second)
    patient.wait_for_function("heard.some(([name]) => name === 'taken_over')")
    flows(second)
    flows(amira)

    # Hanging up ends both.
    made.hang_up()
    for page in (amira, second):
        page.wait_for_function("heard.some(([name]) => name === 'over')")


def test_the_server_is_killed_in_mid_call_and_comes_back(
    window: Callable[[], Page], made: Consultation, installation: Careroom
) -> None:
    amira, patient = as_amira(window(), made), as_patient(window(), made)
    enter(patient)
    enter(amira)
    made.admit()
    flows(patient)
    flows(amira)
    eventually(lambda: made.state == "in_call", what="in_call")
    installation.kill_web()
    amira.wait_for_function("import('careroom/bus').then((bus) => !bus.isLive())")
    flows(patient)  # sound and pictures need no server
    flows(amira)
    installation.start_web()
    for page in (amira, patient):
        page.wait_for_function(
            "room.signalling.look().then((view) => view?.state === 'in_call')", timeout=40_000
        )
    assert amira.evaluate("[...room.mesh.links.values()][0].peer.generation") == 1, (
        "the same connection all along"
    )
    made.hang_up()
    for page in (amira, patient):
        page.wait_for_function("heard.some(([name]) => name === 'over')")


def _hold_back(page: Page, late: Callable[[str], bool], *, until: str) -> list[str]:
    """Answers of how the call stands that are ``late`` reach the page only after a message that says ``until``."""
    held: list[str] = []

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            said = str(frame)
            if said.startswith("43") and late(said):
                held.append(said)
                return
            socket.send(frame)
            if until in said:
                for answer in held:
                    socket.send(answer)

        server.on_message(pass_on)

    page.route_web_socket("**/socket.io/**", route)
    return held


@pytest.mark.parametrize("enters", [False, True], ids=["looks", "enters"])
def test_an_answer_that_is_older_than_what_was_told_meanwhile_hides_nobody(
    window: Callable[[], Page], made: Consultation, enters: bool
) -> None:
    """A clinician lets in as soon as their page is drawn: the patient's asks how it stands before theirs takes part."""
    page = window()
    held = _hold_back(page, lambda said: '"client_id":null' in said, until='"video_call.person"')
    patient = as_patient(page, made)
    enter(patient)
    made.admit()
    if enters:  # the line was away, too
        patient.evaluate("document.dispatchEvent(new CustomEvent('careroom:reset'))")
    eventually(lambda: patient.evaluate("1") and len(held) > enters, what="the answers")
    amira = as_amira(window(), made)
    enter(amira)
    flows(patient)
    flows(amira)
    assert patient.evaluate("[...room.people.values()].map((p) => [p.role, p.here])") == [["clinician", True]]


def test_nobody_is_back_in_the_waiting_room_for_an_answer_from_before_they_were_let_in(
    window: Callable[[], Page], made: Consultation
) -> None:
    page = window()
    held = _hold_back(
        page, lambda said: '"state":"ready"' in said and "mailbox" not in said, until='"type":"admit"'
    )
    amira, patient = as_amira(window(), made), as_patient(page, made)
    enter(patient)
    enter(amira)
    for one in (amira, patient):
        one.wait_for_function(READY)
    held.clear()
    patient.evaluate("void room.refresh('message', '')")  # the practice wrote a sentence
    eventually(lambda: patient.evaluate("1") and held, what="the answer")
    made.admit()
    flows(patient)
    states = patient.evaluate("heard.filter(([name]) => name === 'state').map(([, said]) => said.state)")
    assert states[states.index("admitted") :] in (["admitted"], ["admitted", "in_call"])
