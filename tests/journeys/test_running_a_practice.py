"""An administrator runs the practice: roles, the last of them, settings that two change at once, looks, times, the trail."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from core import tenancy
from tests.journeys import acting
from tests.journeys.people import People, hire
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom

ADMIN = "/p/riverside/admin"


def test_a_role_of_ones_own_and_the_last_administrator(
    windows: Windows, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    hire("flora", "Flora", "Dean", tenancy.CLINICIAN)
    helen = windows.clinician("helen")
    helen.goto(f"{ADMIN}/roles/new")
    helen.get_by_label("Name", exact=True).fill("Record reader")
    helen.get_by_label("Find patients and open their record").check()
    helen.get_by_role("button", name="Save").click()
    expect(helen.get_by_text("The role “Record reader” is saved.")).to_be_visible()
    helen.goto(f"{ADMIN}/staff")
    helen.get_by_role("link", name="Change Flora Dean").click()
    helen.get_by_label("Clinician").uncheck()
    helen.get_by_label("Record reader").check()
    helen.get_by_role("button", name="Save").click()
    expect(helen.get_by_role("row", name=re.compile("Flora Dean"))).to_contain_text("Record reader")

    # What the role holds is there; nothing else is offered, and its address says whom to ask.
    flora = windows.clinician("flora")
    flora.goto(person.path)
    expect(flora.get_by_role("heading", name=person.name)).to_be_visible()
    expect(flora.get_by_role("link", name="Send photo request")).to_have_count(0)
    expect(flora.get_by_role("navigation", name="Main menu")).not_to_contain_text("Audit trail")
    watch.expect(403, "/edit$")
    flora.goto(f"{person.path}/edit")
    expect(flora.get_by_role("heading", name="You may not open this")).to_be_visible()
    expect(flora.locator("main")).to_contain_text("Add patients and change their details")
    expect(flora.locator("main")).to_contain_text("ask Helen Price")

    # Helen is the last who can manage staff: neither way of leaving is open to her.
    helen.goto(f"{ADMIN}/staff")
    helen.get_by_role("link", name="Change Helen Price").click()
    watch.expect(422, "/admin/staff/")
    helen.get_by_label("Practice administrator").uncheck()
    helen.get_by_role("button", name="Save").click()
    expect(helen.get_by_role("alert").first).to_contain_text(
        "Nobody else in your practice could manage staff"
    )
    helen.get_by_role("button", name="Remove from the practice").click()
    helen.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(helen.get_by_role("alert").first).to_contain_text(
        "Nobody else in your practice could manage staff"
    )
    helen.goto(f"{ADMIN}/staff")
    expect(helen.get_by_role("row", name=re.compile("Helen Price"))).to_contain_text("Practice administrator")


def test_settings_looks_times_and_the_trail(
    windows: Windows, people: People, careroom: Careroom, watch: Watch, tmp_path: Path
) -> None:
    person = people.new()
    acting.ask_for_photos(careroom, person)
    hire("ruth", "Ruth", "Vale", tenancy.PRACTICE_ADMIN)
    helen, ruth = windows.clinician("helen"), windows.clinician("ruth")
    _two_at_one_setting(helen, ruth, watch)
    _a_colour_and_a_logo(helen, watch)
    _how_long_data_stays(helen)
    helen.goto(person.path)
    expect(helen.get_by_role("heading", name=person.name)).to_be_visible()
    _the_trail(helen, person.name, tmp_path)


def _two_at_one_setting(helen: Page, ruth: Page, watch: Watch) -> None:
    for page in (helen, ruth):
        page.goto(f"{ADMIN}/practice")
    helen.locator("[name=address]").fill("12 Mill Lane, Leeds LS1 4DX")
    helen.get_by_role("button", name="Save").click()
    expect(helen.get_by_text("The profile is saved.")).to_be_visible()
    watch.expect(409, "/admin/practice$")
    ruth.locator("[name=address]").fill("14 Mill Lane, Leeds LS1 4DY")
    ruth.get_by_role("button", name="Save").click()
    expect(ruth.get_by_text("Somebody else has changed the profile meanwhile")).to_be_visible()
    expect(ruth.locator("[name=address]")).to_have_value("14 Mill Lane, Leeds LS1 4DY")
    ruth.get_by_role("button", name="Save").click()
    expect(ruth.get_by_text("The profile is saved.")).to_be_visible()
    helen.reload()
    expect(helen.locator("[name=address]")).to_have_value("14 Mill Lane, Leeds LS1 4DY")


def _a_colour_and_a_logo(helen: Page, watch: Watch) -> None:
    helen.goto(f"{ADMIN}/practice/look")
    helen.get_by_label("Colour", exact=True).fill("#ffd400")
    helen.get_by_role("button", name="Check").click()
    expect(helen.get_by_text("It is not saved yet.")).to_be_visible()
    expect(helen.get_by_text(re.compile("^Darkened to #.*so that it can be read"))).to_be_visible()
    watch.expect(415, "/look/logo$")
    script = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(document.cookie)</script></svg>'
    helen.get_by_label("New logo").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": script}
    )
    helen.get_by_role("button", name="Use this picture").click()
    expect(helen.locator("#field-logo-error")).to_be_visible()
    expect(helen.get_by_role("button", name="Remove the logo")).to_have_count(0)


def _how_long_data_stays(helen: Page) -> None:
    """The preview follows what is chosen; nothing is removed by looking."""
    helen.goto(f"{ADMIN}/retention")
    preview = helen.locator("[data-live-result]")
    expect(preview).to_contain_text("Nothing: no data is older than the times chosen.")
    chosen = helen.locator("form.retention select").first
    values = chosen.locator("option").evaluate_all("options => options.map((option) => option.value)")
    with helen.expect_response("**/retention/preview"):
        chosen.select_option(next(value for value in values if value != chosen.input_value()))
    expect(preview.get_by_role("heading", name="What will go")).to_be_visible()


def _the_trail(helen: Page, name: str, folder: Path) -> None:
    helen.goto(f"{ADMIN}/audit")
    entries = helen.get_by_role("region", name="Entries", exact=True)
    helen.get_by_label("Person").select_option(label="Helen Price")
    helen.get_by_role("button", name="Show").click()
    expect(entries.get_by_role("cell", name="Amira Khan")).to_have_count(0)
    helen.get_by_role("link", name=f"Entries about {name}").first.click()
    expect(helen.get_by_text(f"Only entries about {name}")).to_be_visible()
    with helen.expect_download() as download:
        helen.get_by_role("link", name="Export as CSV").click()
    saved = folder / "trail.csv"
    download.value.save_as(saved)
    header, *rows = csv.reader(saved.read_text("utf-8-sig").splitlines())
    assert rows
    assert all("Helen Price" in ";".join(row) for row in rows), header
    helen.get_by_role("button", name="Check the trail").click()
    expect(helen.get_by_text("The trail is whole:")).to_be_visible()
