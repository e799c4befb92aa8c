"""A clinician works in a record: an alert comes and is resolved, what the patient said about messages, a message that did
not arrive goes again, and the timeline tells all of it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from sqlalchemy import select

from core.notifications import Notification
from core.patients.models import ContactState, PatientAlert
from tests.journeys import acting
from tests.journeys.people import People, Person
from tests.support.running import Careroom, eventually


def test_alerts_consent_messages_and_the_timeline(
    clinician: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    acting.ask_for_photos(careroom, person)
    _did_not_arrive(careroom, person)
    clinician.goto(person.path)
    _an_alert(clinician, careroom, person)
    _what_the_patient_said(clinician, careroom, person)
    _again(clinician, careroom, person)
    clinician.goto(f"{person.path}/timeline")
    told = clinician.locator(".timeline")
    for title in ("Alert resolved: Hard of hearing", "Alert: Hard of hearing", "Photo request sent"):
        expect(told.get_by_text(title, exact=True).first).to_be_visible()


def _an_alert(page: Page, careroom: Careroom, person: Person) -> None:
    page.locator(".identity-actions summary").click()
    page.get_by_role("link", name="Add alert").first.click()
    dialog = page.get_by_role("dialog", name="Add alert")
    dialog.get_by_label("What must everybody know?").fill("Hard of hearing")
    dialog.get_by_label("Warning", exact=True).check()
    dialog.get_by_role("button", name="Add alert").click()
    beside_the_name = page.get_by_role("list", name="Alerts")
    expect(beside_the_name).to_contain_text("Warning: Hard of hearing")
    page.get_by_role("button", name="Resolve: Hard of hearing").click()
    expect(page.get_by_text("The alert is resolved. The timeline keeps it.")).to_be_visible()
    expect(beside_the_name).to_have_count(0)
    with careroom.at(person.slug) as session:
        (alert,) = session.scalars(select(PatientAlert).where(PatientAlert.patient_id == person.id))
    assert (alert.level, alert.resolved_by) == ("warning", "Amira Khan")


def _what_the_patient_said(page: Page, careroom: Careroom, person: Person) -> None:
    page.get_by_role("link", name="Consent and confirmation").click()
    texts = page.get_by_role("group", name="May the practice send texts?")
    texts.get_by_label("Yes, the patient agreed").check()
    page.get_by_role("group", name="May the practice send e-mails?").get_by_label("No, the patient").check()
    page.get_by_label("I confirmed this number with the patient").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("What the patient said is in the record.")).to_be_visible()
    expect(page.locator(".contact-list .contact-state-bad")).to_have_count(1)
    with careroom.at(person.slug) as session:
        states = session.scalars(select(ContactState).where(ContactState.patient_id == person.id))
        said = {state.channel: (state.consent, state.verified_value) for state in states}
    assert said == {"sms": ("given", person.mobile), "email": ("refused", None)}


def _again(page: Page, careroom: Careroom, person: Person) -> None:
    """From the log of all messages, where it says that it did not arrive."""
    page.goto(f"{person.path}/messages")
    letter = page.locator(".letter").first
    expect(letter.locator(".letter-state")).to_contain_text("Could not be sent")
    letter.get_by_text("Read it").click()
    expect(letter.locator(".letter-body")).to_contain_text("Riverside")
    letter.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("The message is on its way again.")).to_be_visible()
    eventually(lambda: _text_to(careroom, person).state in ("sent", "delivered"), what="the text")
    page.reload()
    expect(page.locator(".letter-state").first).to_contain_text(re.compile("Sent;|Delivered"))
    expect(page.get_by_role("button", name="Send again")).to_have_count(0)


def _text_to(careroom: Careroom, person: Person) -> Notification:
    (found,) = acting.messages_to(careroom, person, "sms")
    return found


def _did_not_arrive(careroom: Careroom, person: Person) -> None:
    """The text to the patient was refused for good, as far as anybody knows."""
    eventually(lambda: not _text_to(careroom, person).is_waiting, what="the text")
    with careroom.at(person.slug, write=True) as session:
        text = session.scalars(select(Notification).where(Notification.patient_id == person.id)).one()
        text.state, text.last_error = "dead", "provider_down"
