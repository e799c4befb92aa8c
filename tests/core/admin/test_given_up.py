"""What was given up, in the operator's console: one number for card and list, pages, and what its buttons do."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core import db, notifications, patients
from core.admin import given_up
from core.admin.given_up import Wanted
from core.audit import AuditEntry
from core.jobs.models import JobRow
from core.notifications import Notification
from tests.support.house import House, Visitor
from tests.support.pages import text

URL = "/operator/given-up"


def message(house: House, state: str = "dead", **values: object) -> UUID:
    """A text to Margaret Whitfield that could not be sent."""
    margaret = house.patient_id(house.riverside, "Whitfield")
    template = notifications.templates.registered()[0]
    with house.at(house.riverside) as session:
        (row,) = notifications.send(
            template.name, patient=patients.get(margaret), channels=["sms"],
            variables=dict.fromkeys(template.variables, "x"), key=None,
        )  # fmt: skip
        row.state, row.last_error = state, "recipient_invalid"
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        return row.id


def jobs(house: House, practice: UUID, number: int, *, key: str | None = None) -> list[UUID]:
    with house.at(practice) as session:
        rows = [
            JobRow(kind=f"core.work_{at:03}", key=key, state="dead", attempts=8, last_error="ValueError")
            for at in range(number)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def seen(olga: Visitor) -> dict[str, str]:
    """The hidden field of both buttons: when the list was shown."""
    found = re.findall(r'name="shown_at" value="([^"]+)"', olga.get(URL).get_data(as_text=True))
    assert len(found) == 2
    return {"shown_at": found[0]}


def numbers_on_the_card(olga: Visitor) -> list[int]:
    return [int(one) for one in re.findall(r"Given up ([0-9]+)", text(olga.get("/operator")))]


@pytest.mark.both_databases
def test_the_card_counts_what_the_list_shows(olga: Visitor, house: House) -> None:
    """Dismissed, old and sent by e-mail instead: dealt with, for both. Failed at the provider: neither forgets it."""
    message(house)
    message(house, "failed")
    message(house, dismissed_at=db.utcnow())
    message(house, created_at=db.utcnow() - timedelta(days=31))
    text_id = message(house)
    message(house, "delivered", failover_of=text_id)
    jobs(house, house.lumiere, 3)
    assert numbers_on_the_card(olga) == [2, 3]
    assert "5 were given up" in text(olga.get(URL))
    assert [one.queue for one in given_up.page(Wanted(queue="messages"), limit=9)] == ["messages"] * 2
    olga.post(f"{URL}/dismiss", seen(olga))
    assert numbers_on_the_card(olga) == [0, 0]
    assert "Nothing was given up" in text(olga.get(URL))


@pytest.mark.both_databases
def test_the_list_has_pages_and_is_found_by_practice_and_kind(olga: Visitor, house: House) -> None:
    jobs(house, house.riverside, 60)
    message(house)
    first, second = text(olga.get(URL)), text(olga.get(f"{URL}?page=2"))
    assert "61 were given up" in first
    assert "Page 1 of 2" in first
    shown = [set(re.findall(r"core\.work_[0-9]{3}", page)) for page in (first, second)]
    assert not shown[0] & shown[1]
    assert len(shown[0] | shown[1]) == 60
    assert "Page 2 of 2" in text(olga.get(f"{URL}?page=99"))
    assert "Nothing fits" in text(olga.get(f"{URL}?q=lumiere"))
    assert "1 was given up" in text(olga.get(f"{URL}?q=RIVERSIDE&kind=messages"))
    oldest = text(olga.get(f"{URL}?order=oldest"))
    assert "Text message" not in oldest, "the newest is on the last page then"
    assert olga.get(f"{URL}?kind=nonsense").status_code == 404


@pytest.mark.both_databases
def test_all_that_fit_are_tried_again_and_no_others(olga: Visitor, house: House) -> None:
    jobs(house, house.riverside, 2)
    jobs(house, house.lumiere, 1)
    good, spent = message(house), message(house, body=f"See {notifications.models.MASK}")
    answer = olga.post(f"{URL}/retry?q=riverside", seen(olga))
    page = text(olga.get(answer.headers["Location"]))
    assert "3 messages and jobs are in their queues again" in page
    assert "1 message cannot be sent again for now" in page
    assert "1 was given up" in page
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Notification, (house.riverside, good)).state == "queued"
        assert session.get_one(Notification, (house.riverside, spent)).state == "dead"
        kinds = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "job.retried")).all()
        assert len(kinds) == 2
    assert numbers_on_the_card(olga) == [1, 1]


def test_a_press_of_the_button_deals_with_the_oldest_and_says_how_many_are_left(
    olga: Visitor, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_up, "AT_ONCE", 2)
    ids = jobs(house, house.riverside, 3)
    answer = olga.post(f"{URL}/dismiss", seen(olga))
    assert "1 more is still there" in text(olga.get(answer.headers["Location"]))
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(JobRow.id).where(JobRow.state == "dead")).all() == ids[2:]


def test_what_was_given_up_while_somebody_read_the_question_stays_on_the_list(
    olga: Visitor, house: House
) -> None:
    jobs(house, house.riverside, 2)
    shown = seen(olga)
    jobs(house, house.riverside, 1)
    late = message(house, created_at=db.utcnow() - timedelta(hours=2))
    olga.post(f"{URL}/dismiss", shown)
    assert numbers_on_the_card(olga) == [1, 1]
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Notification, (house.riverside, late)).dismissed_at is None
    for nonsense in ({}, {"shown_at": "soon"}, {"shown_at": "2026-01-01"}):
        assert olga.post(f"{URL}/dismiss", nonsense).status_code == 400


@pytest.mark.both_databases
def test_one_is_taken_off_the_list_and_its_practice_reads_who_did_it(olga: Visitor, house: House) -> None:
    (job,), told = jobs(house, house.riverside, 1, key="render:1"), message(house)
    for queue, id in (("messages", told), ("jobs", job)):
        answer = olga.post(f"{URL}/{queue}/{house.riverside}/{id}/dismiss?kind={queue}")
        assert answer.headers["Location"].endswith(f"{URL}?kind={queue}")
        assert "It is off the list" in text(olga.get(answer.headers["Location"]))
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Notification, (house.riverside, told)).dismissed_at is not None
        assert db.get(JobRow, job) is None, "so that the same work can be asked for again"
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action.endswith(".dismissed"))).all()
        assert {one.action: one.actor_name for one in entries} == {
            "notification.dismissed": "Olga Berg", "job.dismissed": "Olga Berg",
        }  # fmt: skip
    assert olga.post(f"{URL}/jobs/{house.riverside}/{job}/dismiss").status_code == 404


def test_a_refusal_is_in_the_operators_language(olga: Visitor, house: House) -> None:
    with house.at(house.lumiere) as session:
        patient_id = house.patient_id(house.lumiere, "Benali")
        template = notifications.templates.registered()[0]
        (row,) = notifications.send(
            template.name, patient=patients.get(patient_id), channels=["email"],
            variables=dict.fromkeys(template.variables, "x"), key=None,
        )  # fmt: skip
        row.state, row.body = "dead", notifications.models.MASK
        session.flush()
        id = row.id
    answer = olga.post(f"{URL}/messages/{house.lumiere}/{id}")
    assert "This message cannot be sent again" in text(olga.get(answer.headers["Location"]))
