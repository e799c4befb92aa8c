"""What people do again and again: a clinician asks, a patient opens the link, chooses and sends."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from playwright.sync_api import Error, Locator, Page, Route, expect
from sqlalchemy import select

from core import audit, demo, patients
from core.files.models import File
from core.notifications import Notification
from plugins.photo_request import service
from plugins.photo_request.models import EXPECTED, Consent, Photo, Request
from tests.journeys.people import Person
from tests.journeys.photos import Chosen
from tests.support.running import Careroom

LINK = re.compile(r"https?://127\.0\.0\.1:\d+/l/[\w-]+")


def sign_in(page: Page, username: str, password: str = demo.PASSWORD, *, site: str = "") -> None:
    """Fill the sign-in and press the button; works in every language. Where it leads is the test's to say."""
    page.goto(f"{site}/login")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").first.click()


# --- the practice ----------------------------------------------------------------------------------------------------


def ask_for_photos(
    careroom: Careroom,
    person: Person,
    *,
    by: str = "amira",
    channels: Sequence[str] = ("sms",),
    note: str = "",
) -> str:
    """A clinician asks for photos (not through the page, which has journeys of its own); answers the link."""
    with careroom.at(person.slug, write=True) as session:
        user = session.scalars(select(User).where(User.username == by)).one()
        with audit.use_actor(audit.Actor("staff", str(user.id), user.get_full_name())):
            service.request_photos(patients.get(person.id), channels=channels, note=note)
    return newest_link(careroom, person)


def messages_to(careroom: Careroom, person: Person, channel: str | None = None) -> list[Notification]:
    """What was sent to a patient, newest first."""
    with careroom.at(person.slug) as session:
        wanted = select(Notification).where(Notification.patient_id == person.id)
        if channel is not None:
            wanted = wanted.where(Notification.channel == channel)
        return list(session.scalars(wanted.order_by(Notification.created_at.desc(), Notification.id.desc())))


def newest_link(careroom: Careroom, person: Person) -> str:
    """The link of the newest message that has one."""
    for message in messages_to(careroom, person):
        if found := LINK.search(message.body):
            return found.group()
    raise AssertionError(f"no message to {person.name} has a link")


def photo_panel(workspace: Page) -> Locator:
    """The panel of photos in a patient's workspace."""
    return workspace.locator('[data-panel="photo_request.photos"]')


def mark(page: Page) -> None:
    """Leave a mark in the page that a reload would wipe away."""
    page.evaluate("window.markOfTheTest = 'still here'")


def expect_no_reload(page: Page) -> None:
    """The page is the very one that was marked."""
    assert page.evaluate("window.markOfTheTest") == "still here", "the page was loaded anew"


# --- the patient -----------------------------------------------------------------------------------------------------


def enter_birth_date(phone: Page, born: date) -> None:
    """Fill the three fields and go on; works in every language."""
    phone.locator("[name=day]").fill(str(born.day))
    phone.locator("[name=month]").fill(str(born.month))
    phone.locator("[name=year]").fill(str(born.year))
    phone.locator(".button.main").click()


def open_link(phone: Page, link: str, person: Person) -> None:
    """From the message to the page where photos are chosen."""
    phone.goto(link)
    enter_birth_date(phone, person.birth_date)
    phone.wait_for_url("**/v/*/photo_request/**")


def choose(phone: Page, *files: Chosen, camera: bool = False) -> None:
    """Choose photos from the files, or take one with the camera."""
    phone.locator("#take" if camera else "#pick").set_input_files(list(files))


def chosen_photos(phone: Page) -> Locator:
    """The cards of the photos that are chosen and looked at."""
    return phone.locator("#photos > .photo:has(.photo-actions:not([hidden]))")


def agree_and_send(phone: Page) -> None:
    """Tick and press the main button; works in every language."""
    phone.locator("#field-agreed").check()
    phone.locator("#send").click()


def wait_until_kept(phone: Page, comment: str) -> None:
    """Until the phone keeps a chosen photo with this comment: it does so a moment after the typing."""
    for _ in range(100):
        if comment in phone.evaluate(_KEPT_COMMENTS):
            return
        phone.wait_for_timeout(50)
    raise AssertionError(f"the phone does not keep the comment {comment!r}")


_KEPT_COMMENTS = """() => new Promise((resolve) => {
  const opening = indexedDB.open("careroom-photos", 1);
  opening.onsuccess = () => {
    const asked = opening.result.transaction("chosen").objectStore("chosen").getAll();
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result.map((item) => item.comment)); };
  };
})"""


def send_photos(phone: Page, *files: Chosen) -> None:
    """Choose, agree, send, and wait for the confirmation."""
    choose(phone, *files)
    expect(chosen_photos(phone)).to_have_count(len(files))
    agree_and_send(phone)
    expect_confirmation(phone)


def expect_confirmation(phone: Page) -> None:
    """The page that says that the photos have arrived."""
    expect(phone.locator("#arrived .photo").first).to_be_visible(timeout=30_000)


# --- the rows --------------------------------------------------------------------------------------------------------


def requests_of(careroom: Careroom, person: Person) -> list[Request]:
    """The photo requests to a patient, oldest first."""
    with careroom.at(person.slug) as session:
        return list(
            session.scalars(
                select(Request).where(Request.patient_id == person.id).order_by(Request.created_at)
            )
        )


def photos_of(careroom: Careroom, person: Person) -> list[Photo]:
    """All photos that have arrived from a patient, in their order."""
    ids = [request.id for request in requests_of(careroom, person)]
    with careroom.at(person.slug) as session:
        wanted = select(Photo).where(Photo.request_id.in_(ids), Photo.state != EXPECTED)
        return list(session.scalars(wanted.order_by(Photo.position, Photo.id)))


def states(careroom: Careroom, person: Person) -> list[str]:
    """The states of the photos that have arrived."""
    return [photo.state for photo in photos_of(careroom, person)]


def files_of(careroom: Careroom, person: Person) -> list[File]:
    """The files of the photos that have arrived, in their order."""
    ids = [photo.file_id for photo in photos_of(careroom, person)]
    with careroom.at(person.slug) as session:
        found = {file.id: file for file in session.scalars(select(File).where(File.id.in_(ids)))}
    return [found[id] for id in ids if id is not None]


def fingerprint(file: Chosen) -> str:
    """What the row of an uploaded file says about its bytes."""
    return hashlib.sha256(file["buffer"]).hexdigest()


def consents_of(careroom: Careroom, request_id: UUID, slug: str = "riverside") -> list[Consent]:
    """What a patient agreed to."""
    with careroom.at(slug) as session:
        return list(session.scalars(select(Consent).where(Consent.request_id == request_id)))


def actions_of(careroom: Careroom, person: Person) -> list[str]:
    """What the audit trail says was done about a patient, oldest first."""
    with careroom.at(person.slug):
        return [entry.action for entry in reversed(audit.history(patient_id=person.id, limit=200))]


class Valve:
    """Holds back the parts of a phone's uploads, so that a test can look at, or cut, a sending that is under way."""

    def __init__(self, phone: Page) -> None:
        self._phone = phone
        self._held: list[Route] = []
        self._is_open = False
        self.offsets: list[int] = []
        """Where each part that was sent began, in bytes."""
        phone.route("**/uploads/*", self._on_request)

    def let(self, parts: int) -> None:
        """Let so many parts through, one after the other."""
        for _ in range(parts):
            self.wait()
            self._held.pop(0).continue_()

    def wait(self) -> None:
        """Until a part is being held."""
        for _ in range(600):
            if self._held:
                return
            self._phone.wait_for_timeout(25)
        raise AssertionError("no part of a photo is being sent")

    def open(self) -> None:
        """Hold nothing back any more."""
        self._is_open = True
        for route in self._held:
            route.continue_()
        self._held.clear()

    def open_after_reload(self) -> None:
        """Hold nothing back that is asked from now on; what is held belongs to a page that goes."""
        self._is_open = True
        self._held.clear()

    def drop(self) -> None:
        """Lose what is held, as a network does."""
        for route in self._held:
            with suppress(Error):  # the page that asked may be gone
                route.abort("internetdisconnected")
        self._held.clear()

    def _on_request(self, route: Route) -> None:
        if route.request.method == "PATCH":
            self.offsets.append(int(route.request.headers["upload-offset"]))
            if not self._is_open:
                self._held.append(route)
                return
        route.continue_()
