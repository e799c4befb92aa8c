"""The page of messages that did not arrive: who sees it, what it says, and what its buttons do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select

from core import db, notifications, patients
from core.audit import AuditEntry
from core.notifications import Notification, undelivered
from core.patients import Patient, contact_states
from tests.support.house import House, Visitor
from tests.support.pages import text

PAGE = "/p/riverside/messages"


def write(house: House, state: str = "dead", reason: str = "recipient_invalid", count: int = 1) -> list[UUID]:
    """Texts to Margaret Whitfield that ended so."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        template = notifications.templates.registered()[0]
        rows = [
            notifications.send(
                template.name,
                patient=patients.get(patient_id),
                channels=["sms"],
                variables=dict.fromkeys(template.variables, "x"),
                key=None,
            )[0]
            for _each in range(count)
        ]
        for row in rows:
            row.state, row.last_error = state, reason
        return [row.id for row in rows]


def message(house: House, notification_id: UUID) -> Notification:
    with house.at(house.riverside, write=False):
        row = notifications.get(notification_id)
        assert row is not None
        return row


def test_with_nothing_to_do_the_page_says_so(helen: Visitor) -> None:
    assert "Every message arrived" in text(helen.get(PAGE))


def test_a_dead_message_is_listed_with_why_and_counted_in_the_rail(house: House, helen: Visitor) -> None:
    write(house)
    page = helen.get(PAGE).get_data(as_text=True)
    assert "The provider says that this number or address does not exist." in page
    assert re.search(r'<span>Messages</span><span class="count">1', page)
    assert 'data-topics="core.messages"' in page


def test_a_clinician_has_no_business_here(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("amira")
    [dead] = write(house)
    assert browser.get(PAGE).status_code == 403
    for url in (f"{PAGE}/{dead}/retry", f"{PAGE}/retry", f"{PAGE}/{dead}/dismiss", f"{PAGE}/rules"):
        assert browser.post(url).status_code == 403
    assert message(house, dead).state == "dead"


def test_retry_puts_one_back_into_the_queue(house: House, helen: Visitor) -> None:
    first, second = write(house, count=2)
    answer = helen.post(f"{PAGE}/{first}/retry")
    assert answer.status_code == 303
    assert message(house, first).state == "queued"
    assert message(house, second).state == "dead"
    assert "is on its way again" in text(helen.get(PAGE))


def test_retry_all_puts_back_what_can_be_and_says_what_cannot(house: House, helen: Visitor) -> None:
    *others, masked = write(house, count=3)
    with house.at(house.riverside):
        row = notifications.get(masked)
        assert row is not None
        row.body = f"See https://x.example/l/{'a' * 32}"
        notifications.delivery.mask(row)
    helen.post(f"{PAGE}/retry")
    assert [message(house, each).state for each in others] == ["queued", "queued"]
    assert message(house, masked).state == "dead"
    page = text(helen.get(PAGE))
    assert "2 messages are on their way again" in page
    assert "1 message cannot be sent again for now" in page


def test_whoever_was_never_asked_or_said_no_gets_nothing_again(house: House, helen: Visitor) -> None:
    margaret = house.patient_id(house.riverside, "Whitfield")
    first, second = write(house, count=2)
    with house.at(house.riverside):
        notifications.rules.save({"only_with_consent": True})
    helen.post(f"{PAGE}/retry")
    page = text(helen.get(PAGE))
    assert "2 messages stay out" in page
    assert "on their way again" not in page
    helen.post(f"{PAGE}/{first}/retry")
    assert "Nobody has asked this patient about texts yet" in text(helen.get(PAGE))
    with house.at(house.riverside):
        contact_states.set_consent(margaret, "sms", "refused")
    helen.post(f"{PAGE}/{first}/retry")
    assert "This patient does not want texts" in text(helen.get(PAGE))
    assert {message(house, each).state for each in (first, second)} == {"dead"}
    with house.at(house.riverside):
        contact_states.set_consent(margaret, "sms", "given")
    helen.post(f"{PAGE}/retry")
    assert "2 messages are on their way again" in text(helen.get(PAGE))


def test_what_was_dealt_with_leaves_the_list_and_stays_in_the_record(house: House, helen: Visitor) -> None:
    [dead] = write(house)
    helen.post(f"{PAGE}/{dead}/dismiss")
    assert "Every message arrived" in text(helen.get(PAGE))
    assert message(house, dead).state == "dead"


def test_a_message_of_another_practice_is_not_there(house: House, helen: Visitor) -> None:
    [dead] = write(house)
    with house.at(house.lumiere, write=False):
        assert undelivered.count_failed() == 0
    for action in ("retry", "dismiss"):
        assert helen.post(f"/p/lumiere/messages/{dead}/{action}").status_code == 404
        assert helen.post(f"{PAGE}/{db.uuid7()}/{action}").status_code == 404


def test_pages_and_filters_are_in_the_address(house: House, helen: Visitor) -> None:
    write(house, count=30)
    write(house, "queued", "quiet_hours")
    first, second = helen.get(PAGE), helen.get(f"{PAGE}?page=2")
    assert "Page 2 of 2" in text(second)
    assert len(re.findall(r'<tr id="message-', first.get_data(as_text=True))) == 25
    assert len(re.findall(r'<tr id="message-', second.get_data(as_text=True))) == 5
    waiting = text(helen.get(f"{PAGE}?show=waiting"))
    assert "It waits for the end of your practice's quiet hours." in waiting
    assert "No message waits" in text(helen.get(f"{PAGE}?show=waiting&channel=email"))
    for odd in ("show=x", "page=-1", "page=99999999999", "page=²", "channel=fax"):
        assert helen.get(f"{PAGE}?{odd}").status_code == 200


def test_the_page_that_heard_of_a_change_gets_the_list_alone(house: House, helen: Visitor) -> None:
    write(house)
    fragment = helen.get(PAGE, headers={"X-Panel": "1"}).get_data(as_text=True)
    assert "<html" not in fragment
    assert '<tr id="message-' in fragment


def test_rules_are_kept_and_wrong_ones_are_said_beside_their_fields(house: House, helen: Visitor) -> None:
    form = {"texts_a_minute": "30", "emails_a_minute": "60", "budget_spent": "email", "email_instead": "1"}
    assert (
        helen.post(
            f"{PAGE}/rules", {**form, "quiet_texts_from": "21:00", "quiet_texts_until": "08:00"}
        ).status_code
        == 303
    )
    with house.at(house.riverside, write=False):
        kept = notifications.rules.load()
    assert (kept.texts_a_minute, kept.quiet_texts_from, kept.email_instead) == (30, "21:00", True)
    wrong = helen.post(f"{PAGE}/rules", {**form, "quiet_texts_from": "nine", "monthly_segments": "0"})
    assert wrong.status_code == 422
    assert "field-quiet_texts_from-error" in wrong.get_data(as_text=True)
    assert 'value="nine"' in wrong.get_data(as_text=True)


def test_the_list_is_taken_away_as_a_table(house: House, helen: Visitor) -> None:
    write(house)
    assert "Export as CSV" in text(helen.get(PAGE))
    answer = helen.get(f"{PAGE}/export.csv?show=failed")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(row["Patient"], row["Sent as"], row["State"]) for row in rows] == [
        ("Margaret Whitfield", "Text message", "Could not be sent")
    ]
    assert rows[0]["Reason"].startswith("The provider says")
    with house.at(house.riverside) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "patients.exported")).one()
        assert house.patient_id(house.riverside, "Whitfield") in entry.shown
        session.get_one(
            Patient, (house.riverside, house.patient_id(house.riverside, "Whitfield"))
        ).restricted = True
    closed = helen.get(f"{PAGE}/export.csv?show=failed", follow_redirects=True)
    assert "1 restricted record is not in the table" in text(closed)
