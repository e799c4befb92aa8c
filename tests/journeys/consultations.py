"""A video consultation of one patient that Amira holds: the row, the message, the patient's phone and what flows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from playwright.sync_api import Page, expect
from sqlalchemy import select

from core import audit, notifications, patients
from plugins.video_call import invitations, service, states
from plugins.video_call.invitations import Wish
from plugins.video_call.models import Call
from tests.journeys import acting
from tests.journeys.people import Person
from tests.support.running import Careroom, eventually

# How many frames a video element has shown, and what they show.
_FRAMES = """(video) => {
  const paint = new OffscreenCanvas(32, 24).getContext("2d");
  if (video.readyState >= 2) paint.drawImage(video, 0, 0, 32, 24);
  return [video.getVideoPlaybackQuality().totalVideoFrames, [...paint.getImageData(0, 0, 32, 24).data].join()];
}"""
# The colour of a video at a place, as shares of its size.
_COLOUR = """(video, [x, y]) => {
  const paint = new OffscreenCanvas(32, 24).getContext("2d");
  paint.drawImage(video, 0, 0, 32, 24);
  return [...paint.getImageData(Math.floor(x * 32), Math.floor(y * 24), 1, 1).data].slice(0, 3);
}"""
# Keeps every connection of a page, for what it alone knows of them.
CONNECTIONS = """
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...wanted) {
      super(...wanted);
      window.connections.push(this);
    }
  };
"""
# How much sound has arrived so far.
_ENERGY = """async () => {
  let energy = 0;
  for (const connection of window.connections)
    for (const one of (await connection.getStats()).values())
      if (one.type === "inbound-rtp" && one.kind === "audio") energy += one.totalAudioEnergy ?? 0;
  return energy;
}"""
_BEEPS = 2.0  # seconds, in which a microphone of Chromium beeps at least once


class Consultation:
    """A call, the practice's steps in it, and its row."""

    def __init__(
        self, careroom: Careroom, person: Person, *, invited: UUID | None = None, **wish: Any
    ) -> None:
        """invited: the call that a test has made on the page; without it one is made here."""
        self.careroom, self.person = careroom, person
        if invited is None:
            with self.staff():
                invited = invitations.invite(
                    patients.get(person.id), Wish(**{"channels": ["sms"], **wish})
                ).id
        self.id = invited
        self.link = acting.newest_link(careroom, person)

    @property
    def path(self) -> str:
        """The clinician's page of it."""
        return f"/p/{self.person.slug}/video_call/calls/{self.id}"

    @contextmanager
    def staff(self) -> Iterator[None]:
        """A scope of Amira."""
        with self.careroom.at(self.person.slug, write=True) as session:
            user = session.scalars(select(User).where(User.username == "amira")).one()
            with audit.use_actor(audit.Actor("staff", str(user.id), user.get_full_name())):
                yield

    def step(self, act: Callable[[Call], object]) -> None:
        """What the clinician does."""
        with self.staff():
            act(self._call())

    def row(self) -> Call:
        with self.careroom.at(self.person.slug):
            return self._call()

    def becomes(self, state: str) -> None:
        eventually(lambda: self.row().state == state, 20, f"the state {state}")

    def _call(self) -> Call:
        found = service.get(self.id)
        assert found is not None
        return found

    def link_of_guest(self) -> str:
        """The link in the newest message to a guest."""
        with self.careroom.at(self.person.slug):
            sent = [one for one in notifications.about(self.id) if one.template == "video_call.guest"]
            found = acting.LINK.search(max(sent, key=lambda one: one.id).body)
        assert found
        return found.group()

    def open(self, phone: Page) -> None:
        """From the message to the guidance."""
        phone.goto(self.link)
        acting.enter_birth_date(phone, self.person.birth_date)
        phone.wait_for_url("**/v/*/video_call/**")
        expect(phone.get_by_role("button", name="Start video call")).to_be_enabled()

    def wait_in(self, phone: Page) -> None:
        """The patient follows the link, checks the devices and waits."""
        self.open(phone)
        phone.get_by_role("button", name="Start video call").click()
        phone.get_by_role("button", name="Go to the waiting room").click()
        self.becomes("ready")


def nobody_waits(careroom: Careroom, people: Iterable[Person]) -> None:
    """Whom a test left in the waiting room is before nobody in the next."""
    ids = {person.id for person in people if person.slug == "riverside"}
    waits = Call.state.in_((states.WAITING, states.READY))
    with careroom.at("riverside", write=True) as session, audit.use_actor(audit.SYSTEM):
        for call in session.scalars(select(Call).where(waits, Call.patient_id.in_(ids))).all():
            service.decline(call, "The test is over.")


def flows(page: Page, video: str) -> None:
    """Pictures really arrive in this video element: more and more frames, and not always the same."""
    shown = page.locator(video)
    expect(shown).to_be_visible(timeout=60_000)
    first: list[Any] = []

    def moved() -> bool:
        now = shown.evaluate(_FRAMES)
        if not first:
            first.extend(now)
        return bool(now[0] >= first[0] + 5 and now[1] != first[1])

    eventually(moved, 60, f"frames in {video}")  # up to four browsers share two cores


def colour(page: Page, video: str, x: float = 0, y: float = 0) -> list[int]:
    """Red, green and blue of what a video element shows at a place, as shares of its size."""
    found: list[int] = page.locator(video).evaluate(_COLOUR, [x, y])
    return found


def hears(page: Page) -> None:
    """The other side's microphone is heard on this page, which opened with ``CONNECTIONS``."""
    before = page.evaluate(_ENERGY)
    eventually(lambda: page.evaluate(_ENERGY) > before + 1e-5, 20, "sound from the other side")


def hears_nothing(page: Page) -> None:
    """It falls silent, for longer than the microphone pauses between two beeps."""
    last, since = page.evaluate(_ENERGY), time.monotonic()

    def silent() -> bool:
        nonlocal last, since
        now = page.evaluate(_ENERGY)
        if now > last + 1e-6:
            last, since = now, time.monotonic()
        return time.monotonic() - since > _BEEPS

    eventually(silent, 20, "silence from the other side")


def line(page: Page, canvas: Any, begin: float, end: float) -> None:
    """Draw from one place of a board to another, as shares of its size."""
    expect(canvas).to_have_attribute("data-ready", "")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * begin, box["y"] + box["height"] * begin)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + box["height"] * end, steps=8)
    page.mouse.up()
