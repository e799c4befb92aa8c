"""How many statements a page sends: as many for thirty of everything as for one, and few."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask

from core import db, links, notifications, realtime
from core.notifications import inbox
from core.patients import Patient
from core.web import live, pages
from plugins.photo_request.models import Consent, Photo, Request
from tests.support.counting import counted
from tests.support.house import House, Visitor

Visit = Callable[[], Visitor]

# A request of staff reads its session, the membership, the permissions, the bell, the practices to choose from, and
# the events' number: six, whatever the page shows. What is written is the audit trail's entry of whom the page showed.
BUDGETS = {"today": (14, 2), "patients": (12, 2), "workspace": (14, 2)}


@pytest.fixture
def ill(house: House) -> UUID:
    return house.patient_id(house.riverside, "Whitfield")


def fill(house: House, ill: UUID, count: int) -> None:
    """So many more patients, photo requests of one of them, each with link, message, photos, and items of the bell."""
    soon = db.utcnow() + timedelta(days=3)
    with house.at(house.riverside) as session:
        for number in range(count):
            session.add(
                Patient(
                    given_names=f"Ann{number}",
                    family_name="Example",
                    birth_date=date(1990, 1, 1),
                    search_name=f"aaa example ann{number}",
                )
            )
            asked = Request(
                patient_id=ill,
                requested_by="1",
                requested_by_name="Dr Who",
                channels=["sms"],
                link_id=db.uuid7(),
                state="received",
                expires_at=soon,
                received_at=db.utcnow(),
            )
            session.add(asked)
            session.flush()
            session.add(
                links.Link(
                    id=asked.link_id,
                    patient_id=ill,
                    subject_id=asked.id,
                    purpose="photo_request.photos",
                    token_hash=db.uuid7().hex,
                    expires_at=soon,
                )
            )
            session.add(
                notifications.Notification(
                    patient_id=ill,
                    channel="sms",
                    template="photo_request.invitation",
                    recipient="+447700900123",
                    language="en",
                    body="Hello",
                    subject_kind="photo_request.request",
                    subject_id=asked.id,
                    expires_at=soon,
                )
            )
            given = Consent(request_id=asked.id, wording="I agree", version="1", language="en")
            session.add(given)
            session.flush()
            for place in range(2):
                session.add(
                    Photo(
                        request_id=asked.id,
                        consent_id=given.id,
                        uuid=db.uuid7(),
                        file_id=db.uuid7(),
                        state="ready",
                        position=place,
                    )
                )
            inbox.notify("Photos are here", url="/elsewhere", permission="photo_request.view")


@pytest.mark.parametrize("page", BUDGETS)
def test_a_page_asks_the_database_no_more_for_thirty_than_for_one(
    page: str, house: House, visitor: Visit, ill: UUID
) -> None:
    amira = visitor()
    amira.sign_in("amira")
    url = {
        "today": "/p/riverside/",
        "patients": "/p/riverside/patients",
        "workspace": f"/p/riverside/patients/{ill}",
    }[page]

    def statements(marks: int) -> list[str]:
        amira.get(url)  # the first one fills what a process remembers
        with counted() as sent:
            answer = amira.get(url)
        assert answer.status_code == 200
        assert answer.text.count("data-unread") == min(marks, 12)
        return sent

    fill(house, ill, 1)
    for_one = statements(1)
    fill(house, ill, 29)
    for_thirty = statements(30)

    # Pages that list more than they show count the rest: one statement more for all of them together.
    assert len(for_thirty) <= len(for_one) + 1, "\n".join(for_thirty)
    read = [sent for sent in for_thirty if sent.startswith("SELECT")]
    assert (len(read), len(for_thirty) - len(read)) <= BUDGETS[page], "\n".join(for_thirty)
    assert len(set(read)) == len(read), "the same question was asked twice"


@pytest.mark.both_databases
def test_what_happens_while_a_page_is_made_is_told_to_it_afterwards(
    house: House, app: Flask, visitor: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    amira = visitor()
    amira.sign_in("amira")
    topics = pages.live_topics

    def happen_meanwhile() -> list[str]:
        def publish() -> None:
            with house.at(house.riverside):
                realtime.publish(inbox.TOPIC, "new")

        other = threading.Thread(target=publish)
        other.start()
        other.join()
        return topics()

    monkeypatch.setattr(live, "live_topics", happen_meanwhile)
    page = amira.get("/p/riverside/").text
    seen = int(page.partition('data-seq="')[2].partition('"')[0])
    with house.at(house.riverside, write=False):
        missed = realtime.events_since(seen, [inbox.TOPIC])
        assert [(e.topic, e.type) for e in missed] == [(inbox.TOPIC, "new")]
