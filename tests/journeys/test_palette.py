"""The keyboard's way through the workplace: the command palette, the shortcuts, and nothing while somebody types."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.looking import look_over
from tests.journeys.people import People


def test_ctrl_k_finds_pages_patients_and_what_to_do(clinician: Page, people: People) -> None:
    person = people.new(given_names="Élise", family_name="Zorndale")
    clinician.goto("/p/riverside/")
    clinician.keyboard.press("Control+k")
    palette = clinician.get_by_role("dialog", name="Go to or do")
    box = palette.get_by_role("combobox")
    expect(box).to_be_focused()
    expect(palette.get_by_role("option", name="Patients", exact=True)).to_be_visible()
    look_over(clinician)
    box.press_sequentially("zorndale elise")
    action = palette.get_by_role("option", name="Video call")
    expect(action).to_have_attribute("aria-selected", "true")
    expect(palette.get_by_role("option", name="Zorndale, Élise")).to_be_visible()
    look_over(clinician)
    chosen = palette.get_by_role("option", name="Zorndale, Élise")
    for _ in palette.get_by_role("option").all():
        if chosen.get_attribute("aria-selected") != "true":
            box.press("ArrowDown")
    expect(chosen).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    box.press("Enter")
    clinician.wait_for_url(f"**{person.path}")
    clinician.keyboard.press("Control+k")
    box.fill("photo")
    expect(palette.get_by_role("option", name="Send photo request")).to_be_visible()
    box.press("Enter")
    clinician.wait_for_url(f"**/photo_request/patients/{person.id}/new")


def test_no_name_gets_into_an_address(clinician: Page, people: People) -> None:
    people.new(family_name="Quillmore")
    clinician.goto("/p/riverside/")
    addresses: list[str] = []
    clinician.on("request", lambda request: addresses.append(request.url))
    clinician.keyboard.press("Control+k")
    clinician.get_by_role("combobox").press_sequentially("quillmore")
    expect(clinician.get_by_role("option", name="Quillmore, Nora")).to_be_visible()
    assert not [one for one in addresses if "quill" in one.lower()]
    clinician.keyboard.press("Escape")
    expect(clinician.get_by_role("dialog")).to_have_count(0)


def test_single_keys_go_places_but_never_while_somebody_types(clinician: Page) -> None:
    clinician.goto("/p/riverside/")
    clinician.keyboard.press("g")
    clinician.keyboard.press("p")
    clinician.wait_for_url("**/p/riverside/patients")
    box = clinician.get_by_label("Find a patient").last
    expect(box).to_be_focused()
    clinician.keyboard.type("gt?c")
    expect(box).to_have_value("gt?c")
    assert clinician.url.endswith("/patients")
    clinician.goto("/p/riverside/bell/all")
    clinician.keyboard.press("/")
    expect(clinician.locator("#search")).to_be_focused()


def test_the_list_of_shortcuts_switches_them_off_and_ctrl_k_stays(clinician: Page) -> None:
    clinician.goto("/p/riverside/bell/all")
    look_over(clinician)
    clinician.keyboard.press("?")
    shortcuts = clinician.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts).to_be_visible()
    look_over(clinician)
    shortcuts.get_by_role("switch").uncheck()
    clinician.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    clinician.keyboard.press("?")
    expect(shortcuts).to_be_hidden()
    clinician.keyboard.press("Control+k")
    expect(clinician.get_by_role("combobox")).to_be_focused()
