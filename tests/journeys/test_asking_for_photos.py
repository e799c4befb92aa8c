"""Step 1 and 2: a clinician finds the patient and asks for photos; the message can be read before and after."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from core.notifications import Notification
from tests.journeys import acting
from tests.journeys.people import People, Person
from tests.support.browser import Watch
from tests.support.running import Careroom


@pytest.mark.parametrize(
    "typed", ["okafor", "Samuel Oka", "02/11/1987", "2 November 1987", "999 000 0026", "07700 900102"]
)
def test_a_patient_is_found_by_name_birth_date_nhs_number_or_phone(clinician: Page, typed: str) -> None:
    clinician.goto("/p/riverside/patients")
    clinician.get_by_role("searchbox", name="Find a patient").last.fill(typed)
    expect(clinician.get_by_role("status").filter(has_text="found")).to_have_text("1 patient found")
    clinician.get_by_role("link", name=re.compile("Okafor, Samuel")).click()
    expect(clinician.get_by_role("heading", level=1)).to_have_text("Samuel Okafor")
    assert typed not in clinician.url  # what was searched for is in no address


def test_the_search_in_the_top_bar_leads_to_the_patient(clinician: Page) -> None:
    clinician.locator("#search").fill("rahman clarke")
    clinician.locator("#search").press("Enter")
    clinician.get_by_role("link", name=re.compile("Rahman-Clarke, Aisha")).click()
    expect(clinician.get_by_role("heading", level=1)).to_have_text("Aisha Rahman-Clarke")


@pytest.mark.parametrize("channels", [("sms",), ("email",), ("sms", "email")], ids="+".join)
def test_what_was_previewed_is_what_is_sent(
    clinician: Page, people: People, careroom: Careroom, channels: tuple[str, ...]
) -> None:
    person = people.new()
    _open_form(clinician, person)
    _choose_channels(clinician, channels)
    clinician.get_by_label("Note to the patient").fill("Your left elbow, please")
    preview = clinician.locator("#preview")
    expect(preview).to_contain_text("Your left elbow, please")
    expect(preview.locator(".compose-text")).to_have_count(1 if "sms" in channels else 0)
    expect(preview.locator(".compose-letter")).to_have_count(1 if "email" in channels else 0)
    shown = {"sms": preview.locator(".compose-bubble"), "email": preview.locator(".compose-letter-text")}
    previewed = {channel: shown[channel].inner_text() for channel in channels}
    size = preview.locator(".compose-text figcaption").inner_text() if "sms" in channels else ""
    clinician.get_by_role("button", name="Send photo request").click()

    panel = acting.photo_panel(clinician)
    expect(panel).to_contain_text("Asked by Amira Khan")
    expect(panel).to_contain_text("Your left elbow, please")
    sent = {message.channel: message for message in acting.messages_to(careroom, person)}
    assert sent.keys() == set(channels)
    for channel, text in previewed.items():
        assert _without_secret(sent[channel].body) == _without_secret(text)
    if "sms" in channels:
        assert f"{sent['sms'].segments} text" in size
        assert f"{len(sent['sms'].body)} characters" in size

    _expect_in_outbox(clinician, person, sent)


def _expect_in_outbox(page: Page, person: Person, sent: dict[str, Notification]) -> None:
    page.goto("/dev/outbox?practice=riverside")
    for channel, message in sent.items():
        shown = page.locator(f"#message-{message.id}")
        expect(shown).to_contain_text("Riverside Surgery")
        expect(shown.locator(".outbox-foot")).to_contain_text("Delivered")
        body = shown.locator("[data-body]").inner_text()
        assert _without_layout(body) == _without_layout(message.body)
        assert acting.LINK.search(body), f"the {channel} in the outbox has no link"
    if "sms" in sent:
        text = page.locator(f"#message-{sent['sms'].id}")
        expect(text.locator(".phone-size")).to_contain_text(f"{sent['sms'].segments} segment")


def test_the_link_in_the_outbox_leads_to_the_question(
    clinician: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    clinician.goto("/dev/outbox")
    with clinician.expect_popup() as opened:
        clinician.get_by_role("link", name=link).click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("What is your date of birth?")
    expect(opened.value.get_by_role("banner")).to_contain_text("Riverside Surgery")


def test_a_long_note_costs_more_texts_and_the_clinician_sees_it(clinician: Page, people: People) -> None:
    _open_form(clinician, people.new())
    count = clinician.locator(".compose-text figcaption")
    expect(count).to_contain_text("1 text ·")
    clinician.get_by_label("Note to the patient").fill("Please send both hands. " * 10)
    expect(count).to_contain_text("3 texts")
    expect(count).to_contain_text("GSM-7")
    clinician.get_by_label("Note to the patient").fill("Please 🙂")
    expect(count).to_contain_text("UCS-2")


def test_without_a_way_to_send_nothing_is_sent(
    clinician: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    _open_form(clinician, person)
    _choose_channels(clinician, ())
    expect(clinician.locator("#preview")).to_contain_text("Choose a way to send")
    watch.expect(422, "/photo_request/")
    clinician.get_by_label("Note to the patient").fill("Both knees")
    clinician.get_by_role("button", name="Send photo request").click()
    expect(clinician.get_by_role("alert")).to_contain_text("Choose how to send the request.")
    expect(clinician.get_by_label("Note to the patient")).to_have_value("Both knees")
    assert acting.messages_to(careroom, person) == []


def test_a_patient_without_a_mobile_is_asked_by_email(clinician: Page, people: People) -> None:
    _open_form(clinician, people.new(mobile=None))
    expect(clinician.get_by_label("By text")).to_be_disabled()
    expect(clinician.get_by_label("By e-mail")).to_be_checked()
    expect(clinician.locator(".compose-letter")).to_be_visible()


def test_pressing_send_twice_asks_once(clinician: Page, people: People, careroom: Careroom) -> None:
    person = people.new()
    _open_form(clinician, person)
    clinician.get_by_role("button", name="Send photo request").dblclick()
    expect(acting.photo_panel(clinician)).to_contain_text("Asked by Amira Khan")
    assert len(acting.requests_of(careroom, person)) == 1
    assert len(acting.messages_to(careroom, person)) == 1


def _open_form(page: Page, person: Person) -> None:
    page.goto(person.path)
    page.get_by_role("link", name="Send photo request").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Send photo request")


def _choose_channels(page: Page, channels: tuple[str, ...]) -> None:
    for channel in ("sms", "email"):
        page.locator(f"#channel-{channel}").set_checked(channel in channels)


def _without_layout(text: str) -> str:
    return " ".join(text.split())


def _without_secret(text: str) -> str:
    """The message with its link's secret replaced by its length, so that a preview can be compared."""
    return _without_layout(re.sub(r"/l/(\S+)", lambda found: f"/l/<{len(found[1])}>", text))
