"""Today: what waits for this person and for the practice; each card for those whose work it is, gone when done."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import audit, db, links, notifications
from core.links import Link
from core.notifications import Notification, inbox
from core.security import emergency, invitations
from core.security.models import EmergencyAccess, Invitation
from core.web import locked_links
from tests.support.house import House, Visitor
from tests.support.pages import text

CARDS = "for_me", "emergency", "locked_links", "undelivered", "imports", "invitations"


def cards(browser: Visitor) -> dict[str, str]:
    """The core's cards that can be seen, each with what it says."""
    page = browser.get("/p/riverside/").get_data(as_text=True)
    found = re.findall(r'<section[^>]*data-panel="core\.(\w+)"([^>]*)>(.*?)</section>', page, re.S)
    return {
        name: " ".join(re.sub("<[^>]+>", " ", inside).split())
        for name, attributes, inside in found
        if " hidden" not in attributes
    }


def fetched(browser: Visitor, name: str) -> Any:
    return browser.get(f"/p/riverside/panels?names=core.{name}").get_json()["panels"][f"core.{name}"]


@contextmanager
def as_person(user_id: int) -> Iterator[None]:
    with audit.use_actor(audit.Actor("staff", str(user_id), "Somebody")):
        yield


def user_id(house: House, username: str) -> int:
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import select

    with db.scope(write=False) as session:
        return int(session.scalars(select(User.id).where(User.username == username)).one())


def failed_message(house: House, username: str) -> UUID:
    """A text that this person asked for and that did not arrive."""
    ill = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside) as session, as_person(user_id(house, username)):
        row = Notification(
            patient_id=ill,
            channel="sms",
            template="photo_request.invitation",
            recipient="+447700900123",
            language="en",
            body="Hello",
            state="failed",
            last_error="recipient_not_mobile",
            expires_at=db.utcnow() + timedelta(days=1),
        )
        session.add(row)
        session.flush()
        notifications.changes.tell(row)
        return row.id


def locked_link(house: House) -> UUID:
    ill = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        link = links.issue("photo_request.photos", ill, db.uuid7()).link
        for _try in range(5):
            assert not links.check_birth_date(link, date(1901, 1, 1))
        return link.id


def test_on_a_quiet_day_one_card_says_so_and_the_others_are_away(
    amira: Visitor, grace: Visitor, helen: Visitor
) -> None:
    for somebody in (amira, grace, helen):
        shown = cards(somebody)
        assert list(shown) == ["for_me"]
        assert "Nothing new for you" in shown["for_me"]
        assert fetched(somebody, "emergency") is None


@pytest.mark.both_databases
def test_each_card_is_for_those_whose_work_it_is(
    house: House, amira: Visitor, grace: Visitor, helen: Visitor
) -> None:
    ill = house.patient_id(house.riverside, "Whitfield")
    failed_message(house, "amira")
    locked_link(house)
    with house.at(house.riverside) as session:
        session.add(
            EmergencyAccess(
                patient_id=ill,
                user_id=1,
                user_name="Grace Bello",
                why="role",
                reason="an accident on the doorstep",
                ends_at=db.utcnow(),
            )
        )
        session.add(
            Invitation(
                email="new@example.com",
                given_names="New",
                family_name="Colleague",
                role="clinician",
                token_hash="x",
                expires_at=db.utcnow() - timedelta(days=1),
                invited_by="1",
                invited_by_name="Helen Price",
            )
        )
    upload(helen, "Given names,Family name,Date of birth\nAnn,Example,tomorrow\n")

    for_helen = cards(helen)
    assert set(for_helen) == set(CARDS)
    assert "1 record was opened in an emergency" in for_helen["emergency"]
    assert "1 link is locked" in for_helen["locked_links"]
    assert "1 message did not arrive" in for_helen["undelivered"]
    assert "patients.csv" in for_helen["imports"]
    assert "waits for your yes" in for_helen["imports"]
    assert "1 invitation ran out" in for_helen["invitations"]
    assert "did not arrive" not in for_helen["for_me"], "somebody else sent it"

    for_amira = cards(amira)
    assert set(for_amira) == {"for_me", "locked_links"}
    assert "Margaret Whitfield" in for_amira["for_me"]
    assert "This number cannot receive texts." in for_amira["for_me"]
    assert set(cards(grace)) == {"for_me", "locked_links"}


def test_what_a_person_sent_leaves_today_when_they_have_dealt_with_it(
    house: House, amira: Visitor, grace: Visitor
) -> None:
    message = failed_message(house, "amira")
    url = f"/p/riverside/messages/{message}/dealt-with"
    assert grace.post(url).status_code == 404, "it is not hers"
    assert "Margaret Whitfield" in cards(amira)["for_me"]
    with house.at(house.riverside, write=False):
        (entry,) = audit.history(limit=1)
        assert entry.action == "patients.listed", "who saw the name is on the trail"
    assert amira.post(url).status_code == 303
    assert "Nothing new for you" in cards(amira)["for_me"]


def test_a_locked_link_is_unlocked_from_its_list(house: House, grace: Visitor, nadia: Visitor) -> None:
    link_id = locked_link(house)
    page = text(grace.get("/p/riverside/locked-links"))
    assert "Margaret Whitfield" in page
    assert "Photo" in page
    assert nadia.post(f"/p/lumiere/locked-links/{link_id}/unlock").status_code in (403, 404)
    assert grace.post(f"/p/riverside/locked-links/{link_id}/unlock").status_code == 303
    assert "No link is locked" in text(grace.get("/p/riverside/locked-links"))
    assert "locked_links" not in cards(grace)
    with house.at(house.riverside, write=False) as session:
        link = session.get_one(Link, (house.riverside, link_id))
        assert (link.locked_at, link.failed_tries) == (None, 0)


def test_locked_links_beyond_a_page_are_on_the_next(
    house: House, grace: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked_links, "PAGE", 2)
    for _each in range(3):
        locked_link(house)
    place = "/p/riverside/locked-links"
    first, second = text(grace.get(place)), grace.get(f"{place}?page=2")
    assert (first.count("Margaret Whitfield"), text(second).count("Margaret Whitfield")) == (2, 1)
    assert "Page 1 of 2" in first
    assert f'data-panel-url="{place}?page=2"' in second.get_data(as_text=True)


def test_links_of_a_plugin_that_is_off_wait_for_nobody(house: House, grace: Visitor) -> None:
    locked_link(house)
    house.switch(house.riverside, "photo_request", on=False)
    assert "locked_links" not in cards(grace)
    assert "No link is locked" in text(grace.get("/p/riverside/locked-links"))


def test_news_under_the_bell_are_on_today_until_they_are_read(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        for number in range(7):
            inbox.notify(f"News {number}", url="/elsewhere", permission="core.work")
    shown = cards(amira)["for_me"]
    assert "News 6" in shown
    assert "News 1" not in shown, "five at most"
    assert "7 new notifications" in shown
    amira.post("/p/riverside/bell/read")
    assert "Nothing new for you" in cards(amira)["for_me"]


def test_what_changes_is_told_on_the_topics_of_the_cards(house: House, helen: Visitor) -> None:
    from core import realtime

    with house.at(house.riverside, write=False):
        before = realtime.last_seq()
    link_id = locked_link(house)
    with house.at(house.riverside), as_person(1):
        links.unlock(link_id)
        invitations.invite("new@example.com", "New", "Colleague", "clinician")
    failed_message(house, "amira")
    upload(helen, "Given names,Family name,Date of birth\nAnn,Example,1990-01-01\n")
    with house.at(house.riverside, write=False):
        told = {event.topic for event in realtime.events_since(before, limit=1000)}
    assert {links.LOCKS_TOPIC, invitations.TOPIC, notifications.TROUBLE_TOPIC, "core.patient_import"} <= told
    assert emergency.TOPIC not in told


def upload(browser: Visitor, content: str) -> None:
    answer = browser.post(
        "/p/riverside/patients/import", {"file": (io.BytesIO(content.encode()), "patients.csv")}
    )
    assert answer.status_code == 303


def test_who_reads_of_a_patient_under_the_bell_is_on_the_trail(house: House, amira: Visitor) -> None:
    ill = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        inbox.notify("From Margaret", url="/x", permission="core.work", patient_id=ill)
        item = inbox.notify("Of nobody", url="/y", permission="core.work")
        named = inbox.notify("Again", url="/z", permission="core.work", patient_id=ill)

    def places() -> list[str]:
        with house.at(house.riverside, write=False):
            told = [one for one in audit.history(patient_id=ill, limit=50) if one.action == "patients.listed"]
            return [str((one.detail or {})["part"]) for one in reversed(told)]

    amira.get("/p/riverside/patients")
    before = len(places())
    assert "data-seen-url" in amira.get("/p/riverside/locked-links").get_data(as_text=True)
    assert len(places()) == before, "a bell that stays shut shows nobody"
    amira.get("/p/riverside/bell/seen")
    amira.get("/p/riverside/bell/all")
    amira.get(f"/p/riverside/bell/{item.id}")
    amira.get(f"/p/riverside/bell/{named.id}")
    amira.get("/p/riverside/")
    assert places()[before:] == ["bell.seen", "bell.index", "bell.open_item", "today.index"]
