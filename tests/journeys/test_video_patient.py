"""A video consultation as the patient has it: from the message to the end, and on the bad days."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, Route, ViewportSize, expect
from sqlalchemy import select

from core import db
from core.notifications import Notification
from plugins.video_call import chat, guests, participants, service
from plugins.video_call.models import CLINICIAN, Call, Message
from tests.journeys import acting
from tests.journeys.consultations import Consultation, flows
from tests.journeys.looking import NARROWEST, look_over, sideways
from tests.journeys.people import People
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually

NO_DEVICE = """(name) => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("for the test", name); };
}"""


STOP = """([video, kind]) => {
  const track = document.querySelector(video).srcObject.getTracks().find((one) => one.kind === kind);
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""


@pytest.fixture
def visit(careroom: Careroom, people: People) -> Consultation:
    return Consultation(careroom, people.new())


def _late_line(call: Call) -> None:
    """A line of the practice's that was on its way when the patient hung up."""
    me = participants.add(call, CLINICIAN, call.clinician_id, call.clinician_name)
    chat._keep(call, Message(text="Bring your tablets", client_key=db.uuid7()), me)


def to_check(phone: Page) -> None:
    phone.get_by_role("button", name="Start video call").click()
    expect(phone.get_by_role("heading", name="Check camera and sound")).to_be_focused()


def to_waiting(phone: Page, button: str = "Go to the waiting room") -> None:
    phone.get_by_role("button", name=button).click()
    expect(phone.get_by_role("heading", name="You are in the waiting room")).to_be_focused()


def line(phone: Page, name: str) -> Any:
    return phone.locator(f'[data-check="{name}"]')


def test_from_the_message_to_the_end(windows: Windows, phone: Page, visit: Consultation) -> None:
    visit.open(phone)
    expect(phone.get_by_text("You will see and talk to Amira Khan")).to_be_visible()
    look_over(phone)
    to_check(phone)
    expect(line(phone, "camera")).to_contain_text("Your camera works.")
    expect(line(phone, "microphone")).to_contain_text("We hear you.")
    expect(line(phone, "network")).to_contain_text("Your connection is")
    phone.get_by_role("button", name="Play a sound").click()
    phone.get_by_role("button", name="No", exact=True).click()
    expect(line(phone, "speaker")).to_contain_text("Turn the sound up")
    phone.get_by_role("button", name="Yes", exact=True).click()
    expect(line(phone, "speaker")).to_contain_text("You hear us.")
    look_over(phone)
    visit.becomes("waiting")

    to_waiting(phone)
    visit.becomes("ready")
    expect(phone.get_by_text("You are next.")).to_be_visible()
    expect(phone.get_by_text("Nobody sees or hears you yet.")).to_be_visible()
    visit.step(lambda call: service.say_to_waiting(call, "Ten more minutes, please."))
    expect(phone.locator("#practice-message").get_by_text("Ten more minutes, please.")).to_be_visible()
    look_over(phone)

    phone.reload()  # the phone slept, or a thumb slipped
    expect(phone.get_by_role("heading", name="You are in the waiting room")).to_be_visible()
    expect(phone.locator("[data-step=waiting] .vc-preview")).to_have_class(re.compile("seen"))
    assert visit.row().state == "ready"

    desk = windows.clinician("amira")
    desk.goto(f"/p/riverside/video_call/calls/{visit.id}")
    desk.get_by_role("button", name=re.compile("^Admit")).click()
    expect(phone.get_by_role("region", name="Video consultation")).to_be_visible()
    visit.becomes("in_call")
    flows(phone, "#pictures .large video")
    expect(phone.locator("#nobody")).to_be_hidden()
    expect(phone.locator("#line")).to_contain_text("Connected")
    _controls(phone)
    visit.step(service.hold)
    expect(phone.get_by_role("heading", name="Please wait a moment")).to_be_visible()
    visit.step(service.resume)
    expect(phone.get_by_role("heading", name="Please wait a moment")).to_be_hidden()
    for size in (ViewportSize(width=NARROWEST, height=568), ViewportSize(width=740, height=360)):
        phone.set_viewport_size(size)
        assert not sideways(phone)
        for name in ("Microphone off", "Camera off", "End"):
            expect(phone.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)

    phone.get_by_role("button", name="End", exact=True).click()
    phone.get_by_role("button", name="Go on talking").click()
    phone.get_by_role("button", name="End", exact=True).click()
    phone.get_by_role("button", name="End the consultation").click()
    expect(phone.get_by_role("heading", name="The consultation has ended")).to_be_visible()
    assert visit.row().ended_by == "patient"
    phone.set_viewport_size({"width": 360, "height": 780})
    look_over(phone)
    phone.get_by_role("radio", name="Good").check()
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Your answer has arrived.")).to_be_visible()
    assert visit.row().feedback_score == 3
    visit.step(_late_line)
    expect(phone.get_by_text("Bring your tablets")).to_be_visible()  # without loading the page again


def test_an_answer_from_before_a_step_does_not_undo_it(phone: Page, visit: Consultation) -> None:
    """The page asks how the call stands, and before it hears the patient goes back to the check of devices."""
    visit.open(phone)
    to_check(phone)
    to_waiting(phone)
    visit.becomes("ready")
    late: list[tuple[Route, APIResponse]] = []
    again: list[Route] = []

    def hold_back(route: Route) -> None:
        if late:
            route.continue_()
            again.append(route)
        else:
            late.append((route, route.fetch()))

    phone.route(re.compile("/(state|arrive)$"), hold_back)
    phone.evaluate("dispatchEvent(new Event('online'))")
    eventually(lambda: phone.evaluate("1") and late, what="the answer")
    ((route, answer),) = late
    assert answer.json()["state"] == "ready"
    phone.get_by_role("button", name="Check again").click()
    visit.becomes("waiting")
    expect(phone.get_by_role("heading", name="Check camera and sound")).to_be_focused()
    phone.evaluate(
        """() => {
          window.shown = [];
          new MutationObserver(() => window.shown.push(document.body.dataset.shown))
            .observe(document.body, { attributes: true, attributeFilter: ["data-shown"] });
        }"""
    )
    route.fulfill(response=answer)
    eventually(lambda: phone.evaluate("1") and again, what="the same question again")
    phone.wait_for_timeout(300)
    assert phone.evaluate("shown") == []
    assert phone.evaluate("document.body.dataset.shown") == "check"


def _controls(phone: Page) -> None:
    phone.get_by_role("button", name="Microphone off").click()
    expect(phone.get_by_role("button", name="Microphone on")).to_have_attribute("aria-pressed", "true")
    assert (
        phone.evaluate("document.querySelector('#self video').srcObject.getAudioTracks()[0].enabled") is False
    )
    expect(phone.locator("#status")).to_contain_text("Your microphone is off. Nobody hears you.")
    phone.get_by_role("button", name="Microphone on").click()
    before = phone.evaluate("document.querySelector('#self video').srcObject.getVideoTracks()[0].label")
    phone.get_by_role("button", name="Turn camera").click()
    phone.wait_for_function(
        "(before) => document.querySelector('#self video').srcObject.getVideoTracks()[0]?.label !== before",
        arg=before,
    )
    self_view = phone.locator("#self")
    self_view.focus()
    phone.keyboard.press("ArrowUp")
    expect(self_view).to_have_attribute("data-place", "top_end")
    expect(phone.locator("#status")).to_contain_text("top right")


def test_no_camera_and_no_permission_have_help_and_a_way_on(windows: Windows, visit: Consultation) -> None:
    phone = windows.phone()
    visit.open(phone)
    phone.evaluate(NO_DEVICE, "NotAllowedError")
    to_check(phone)
    expect(line(phone, "camera")).to_contain_text("The browser does not let us use your camera.")
    expect(line(phone, "camera")).to_contain_text("Touch “Permissions”.")
    expect(line(phone, "microphone").get_by_text("Touch “Permissions”.")).to_have_count(0)
    look_over(phone)
    phone.evaluate(NO_DEVICE, "NotReadableError")
    phone.get_by_role("button", name="Try again").click()
    expect(line(phone, "camera")).to_contain_text("Another app is using your camera.")
    phone.evaluate(
        """() => {
          const real = MediaDevices.prototype.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            if (wanted.video) throw new DOMException("for the test", "NotFoundError");
            return real(wanted);
          };
        }"""
    )
    phone.get_by_role("button", name="Try again").click()
    expect(line(phone, "camera")).to_contain_text("We found no camera.")
    expect(line(phone, "microphone")).to_contain_text("We hear you.")
    to_waiting(phone, "Go on without the camera")
    visit.becomes("ready")
    with visit.careroom.at("riverside"):
        me = participants.with_role(visit.id, "patient")
        assert me is not None
        assert (me.devices["camera"], me.devices["microphone"]) == (False, True)
    _turns_on_one_by_one(windows, phone, visit)


def _turns_on_one_by_one(windows: Windows, phone: Page, visit: Consultation) -> None:
    """Who went on without both gives the one that they press, and then the one that they are asked for."""
    live = "['audio', 'video'].filter((kind) => document.querySelector('#self video').srcObject?.getTracks()"
    live += ".some((one) => one.kind === kind && one.readyState === 'live'))"
    phone.evaluate(NO_DEVICE, "NotFoundError")
    phone.evaluate(STOP, ["#self video", "audio"])
    phone.get_by_role("button", name="Check again").click()
    expect(line(phone, "microphone")).to_contain_text("We found no microphone.")
    to_waiting(phone, "Go on without camera and microphone")
    desk = windows.clinician("amira")
    desk.goto(visit.path)
    desk.get_by_role("button", name=re.compile("^Admit")).click()
    flows(phone, "#pictures .large video")
    phone.get_by_role("button", name="Microphone on").click()
    expect(phone.locator("#interrupted")).to_contain_text("We found no microphone.")
    phone.evaluate("delete navigator.mediaDevices.getUserMedia")
    phone.get_by_role("button", name="Microphone on").click()
    expect(phone.get_by_role("button", name="Microphone off")).to_be_visible()
    assert phone.evaluate(live) == ["audio"]
    expect(desk.locator("[data-role=patient] [data-person-muted]")).to_be_hidden()
    desk.get_by_role("button", name="Patient’s devices").click()
    desk.locator("[data-ct-control=ask_camera_on]").click()
    phone.get_by_role("button", name="Yes, I agree").click()
    flows(desk, "[data-role=patient] video")
    assert phone.evaluate(live) == ["audio", "video"]


def test_an_app_s_own_browser_leads_to_the_real_one(windows: Windows, visit: Consultation) -> None:
    inside = windows.phone(
        user_agent="Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.0]"
    )
    visit.open(inside)
    inside.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    to_check(inside)
    expect(line(inside, "camera")).to_contain_text("This app's own browser cannot do video.")
    expect(inside.get_by_role("button", name="Open in the browser")).to_be_visible()
    here = inside.url.split("?")[0]
    address = inside.evaluate("(url) => fetch(url).then((answer) => answer.json())", f"{here}outside")["url"]
    outside = windows.phone()
    outside.goto(address)
    acting.enter_birth_date(outside, visit.person.birth_date)
    expect(outside.get_by_role("button", name="Start video call")).to_be_enabled()


def test_a_second_device_takes_over_and_both_are_told(windows: Windows, visit: Consultation) -> None:
    first, second = windows.phone(), windows.desk()
    visit.open(first)
    to_check(first)
    to_waiting(first)
    visit.becomes("ready")
    expect(first.locator("#took-over")).to_be_hidden()
    second.goto(visit.link)
    acting.enter_birth_date(second, visit.person.birth_date)
    expect(second.get_by_role("heading", name="You are in the waiting room")).to_be_visible()
    expect(first.get_by_role("heading", name="The consultation is open on another device")).to_be_visible()
    expect(second.locator("#took-over")).to_be_visible()
    first.get_by_role("button", name="Use this device instead").click()
    expect(first.get_by_role("heading", name="You are in the waiting room")).to_be_visible()
    expect(second.get_by_role("heading", name="The consultation is open on another device")).to_be_visible()


def test_the_network_goes_and_the_place_is_kept(phone: Page, visit: Consultation, watch: Watch) -> None:
    visit.open(phone)
    to_check(phone)
    to_waiting(phone)
    visit.becomes("ready")
    with watch.failing_network():
        phone.context.set_offline(True)
        phone.evaluate("dispatchEvent(new Event('offline'))")  # a phone says so; the emulation does not
        expect(phone.get_by_text("No connection at the moment")).to_be_visible()
        visit.step(service.admit)
        phone.context.set_offline(False)
        phone.evaluate("dispatchEvent(new Event('online'))")
        expect(phone.get_by_role("region", name="Video consultation")).to_be_visible()


def test_declined_says_why(phone: Page, visit: Consultation) -> None:
    visit.open(phone)
    to_check(phone)
    to_waiting(phone)
    visit.step(lambda call: service.decline(call, "Please come to the practice today."))
    expect(phone.get_by_role("heading", name="The consultation cannot take place now")).to_be_visible()
    expect(phone.get_by_text("Please come to the practice today.")).to_be_visible()
    look_over(phone)


def test_a_guest_joins_with_name_and_role(windows: Windows, visit: Consultation) -> None:
    visit.step(
        lambda call: guests.invite(
            call, name="Ines Costa", as_what="interpreter", channel="sms", to="+447700900150"
        )
    )
    with visit.careroom.at("riverside") as session:
        body = (
            session.scalars(select(Notification).where(Notification.template == "video_call.guest"))
            .all()[-1]
            .body
        )
    link = acting.LINK.search(body)
    assert link
    guest = windows.phone()
    guest.goto(link.group())
    guest.locator("main .button.main").click()
    expect(guest.get_by_text("Ines Costa")).to_be_visible()
    expect(guest.get_by_text("Interpreter")).to_be_visible()
    to_check(guest)
    to_waiting(guest)
    expect(guest.get_by_text("Check again")).to_be_visible()
