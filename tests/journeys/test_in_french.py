"""Step 6: Cabinet Lumière is French from end to end, and a patient's own language wins on patient pages."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from core.patients import Patient
from tests.journeys import acting, french, photos
from tests.journeys.people import People, Person
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually


def _expect_french(page: Page) -> None:
    assert french.english_on(page) == [], page.url


def test_english_is_recognised() -> None:
    """The check itself: it knows a message, one with a value in it, and one that no catalogue has."""
    assert french.is_english("Send photo request")
    assert french.is_english("3 photos to review")
    assert french.is_english("Something of the developer")
    assert not french.is_english("Demander des photos")
    assert not french.is_english("Photos")


def test_the_whole_way_is_french(windows: Windows, people: People, careroom: Careroom, watch: Watch) -> None:
    person = people.new("lumiere")
    desk = windows.desk(locale="fr-FR")
    desk.goto("/login")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Se connecter")
    _expect_french(desk)
    clinician = windows.clinician("claire", locale="fr-FR")
    _expect_french(clinician)
    for path in ("patients", "patients/new", "photo_request/?show=all", "photo_request/?show=review"):
        clinician.goto(f"/p/lumiere/{path}")
        _expect_french(clinician)
    clinician.goto(person.path)
    _expect_french(clinician)
    clinician.locator('[data-action="photo_request.send"]').click()
    clinician.locator("#channel-email").check()
    clinician.locator("[name=note]").fill("Le coude gauche")
    expect(clinician.locator(".compose-letter")).to_contain_text("Le coude gauche")
    _expect_french(clinician)
    clinician.locator("main form button[type=submit]").click()
    panel = acting.photo_panel(clinician)
    expect(panel.locator('.state[data-state="sent"]')).to_be_visible()
    _expect_french(clinician)

    for message in acting.messages_to(careroom, person):
        assert message.language.startswith("fr")
        assert "Cabinet Lumière" in message.body
        assert not french.is_english(acting.LINK.sub("", message.body))
        if message.channel == "sms":
            assert (message.encoding, message.segments) == ("GSM-7", 2)  # the note makes the second

    phone = windows.phone(locale="fr-FR")
    link = acting.newest_link(careroom, person)
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Quelle est votre date de naissance ?")
    _expect_french(phone)
    watch.expect(422, "^/l/")
    acting.enter_birth_date(phone, date(1990, 1, 1))
    _expect_french(phone)
    acting.enter_birth_date(phone, person.birth_date)
    phone.wait_for_url("**/v/*/photo_request/**")
    _expect_french(phone)
    here = phone.url
    phone.goto(f"{here}tips")
    _expect_french(phone)
    phone.goto(here)
    acting.choose(phone, photos.jpeg(1), photos.text_named_jpg(), photos.truncated_jpeg())
    expect(acting.chosen_photos(phone)).to_have_count(2)
    phone.locator("#send").click()
    _expect_french(phone)
    watch.expect(422, "/uploads/")
    acting.agree_and_send(phone)
    expect(phone.locator("#give-up")).to_be_visible()
    _expect_french(phone)
    phone.locator("#give-up").click()
    acting.expect_confirmation(phone)
    _expect_french(phone)
    assert (
        acting.consents_of(careroom, acting.requests_of(careroom, person)[0].id, "lumiere")[0].language
        == "fr"
    )

    eventually(lambda: acting.states(careroom, person) == ["ready"], what="the picture")
    expect(panel.locator('.state[data-state="received"]')).to_be_visible()
    expect(clinician.locator(".bell-count")).to_be_visible()
    _expect_french(clinician)  # also what came by itself
    (photo,) = acting.photos_of(careroom, person)
    (request,) = acting.requests_of(careroom, person)
    for path in (f"requests/{request.id}", f"photos/{photo.id}"):
        clinician.goto(f"/p/lumiere/photo_request/{path}")
        _expect_french(clinician)
    clinician.goto("/p/lumiere/")
    _expect_french(clinician)
    clinician.locator(".panel .row-title a").first.click()
    clinician.goto(f"/p/lumiere/photo_request/photos/{photo.id}")
    clinician.locator("summary[data-go=reject]").click()
    clinician.locator("[name=reason]").select_option("blurred")
    clinician.locator("details.pr-reject button[type=submit]").click()
    expect(clinician.locator(".flashes .notice, .flashes [role]").first).to_be_visible()
    _expect_french(clinician)


def test_administration_and_error_pages_are_french(windows: Windows, watch: Watch) -> None:
    admin = windows.clinician("nadia", locale="fr-FR")
    for path in ("admin/plugins", "admin/plugins/photo_request/settings", "patients/import"):
        admin.goto(f"/p/lumiere/{path}")
        _expect_french(admin)
    admin.goto("/p/lumiere/admin/plugins/photo_request/settings")
    admin.locator("[name=link_days]").fill("beaucoup")
    watch.expect(422, "/settings$")
    admin.locator("main form.form button[type=submit]").first.click()
    expect(admin.get_by_role("alert")).to_be_visible()
    _expect_french(admin)
    admin.evaluate("document.querySelector('form[data-keep]').removeAttribute('data-keep')")
    watch.expect(404, "/nirgendwo")
    admin.goto("/p/lumiere/nirgendwo")
    _expect_french(admin)


@pytest.mark.parametrize(
    ("slug", "family_name", "question", "greeting"),
    [
        ("lumiere", "Bennett", "What is your date of birth?", "Send photos to Cabinet Lumière"),
        ("riverside", "Garnier", "Quelle est votre date de naissance ?", "Vos photos pour Riverside Surgery"),
    ],
    ids=["an English speaker in Lyon", "a French speaker in Leeds"],
)
def test_the_patients_own_language_wins(
    phone: Page, careroom: Careroom, slug: str, family_name: str, question: str, greeting: str
) -> None:
    with careroom.at(slug) as session:
        found = session.scalars(select(Patient).where(Patient.family_name == family_name)).one()
        person = Person(
            found.id, slug, found.given_names, found.family_name, found.birth_date, found.mobile, found.email
        )
        language = found.language
    link = acting.ask_for_photos(careroom, person, by="claire" if slug == "lumiere" else "amira")
    assert all(message.language.startswith(str(language)) for message in acting.messages_to(careroom, person))
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_have_text(question)
    acting.enter_birth_date(phone, person.birth_date)
    expect(phone.get_by_role("heading", level=1)).to_have_text(greeting)
    acting.send_photos(phone, photos.jpeg(1))
    (request,) = acting.requests_of(careroom, person)
    assert acting.consents_of(careroom, request.id, slug)[0].language == language
    assert acting.messages_to(careroom, person)[0].language.startswith(str(language))


def test_a_patient_changes_the_language_of_the_page_and_goes_on(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    phone.goto(acting.ask_for_photos(careroom, person))
    phone.get_by_role("button", name="Français").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Quelle est votre date de naissance ?")
    acting.enter_birth_date(phone, person.birth_date)
    phone.wait_for_url("**/v/*/photo_request/**")
    _expect_french(phone)
    phone.get_by_role("button", name="English").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Send photos to Riverside Surgery")


def test_one_clinicians_language_is_not_another_ones(windows: Windows) -> None:
    clinician = windows.clinician("claire", locale="fr-FR")
    clinician.locator("summary[title='Langue et apparence']").click()
    clinician.get_by_role("button", name="English").click()
    expect(clinician.get_by_role("link", name="Today")).to_be_visible()
    colleague = windows.clinician("nadia", locale="fr-FR")
    expect(colleague.get_by_role("link", name="Aujourd’hui")).to_be_visible()
    clinician.get_by_role("link", name="Patients").click()
    clinician.get_by_role("searchbox", name="Find a patient").last.fill("Benali")
    found = clinician.locator("#patient-results").get_by_role("listitem")
    expect(found).to_have_count(1)
    clinician.locator("summary[title='Language and appearance']").click()
    clinician.get_by_role("button", name="Français").click()
    expect(clinician.get_by_role("link", name="Aujourd’hui")).to_be_visible()
    expect(clinician.locator("#patient-search")).to_have_value("Benali")
    expect(found).to_have_count(1)
