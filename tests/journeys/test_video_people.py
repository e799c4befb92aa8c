"""Who comes into a call, and who is turned away, as each sees it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.consultations import Consultation
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.running import Careroom, eventually


def test_a_patient_who_is_declined_reads_why(windows: Windows, careroom: Careroom, people: People) -> None:
    consultation = Consultation(careroom, people.new())
    desk, phone = windows.clinician("amira"), windows.phone()
    consultation.wait_in(phone)
    desk.goto(consultation.path)
    desk.get_by_role("button", name="Decline").first.click()
    dialog = desk.get_by_role("dialog", name="Decline this consultation")
    dialog.get_by_label("What the patient reads").fill("Please call the practice instead.")
    dialog.get_by_role("button", name="Decline").click()
    expect(phone.get_by_role("heading", name="The consultation cannot take place now")).to_be_visible()
    expect(phone.get_by_text("Please call the practice instead.")).to_be_visible()
    eventually(lambda: consultation.row().state == "declined", 10, "the decline")
