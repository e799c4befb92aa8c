"""An administrator runs the practice: roles, the last of them, settings that two change at once, looks, times, the trail;
in a practice of its own opening hours, rules for links, the budget for texts, what they cost, and what is taken out.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

from playwright.sync_api import Page, expect

from core import db, links, patients, retention, tenancy
from core.notifications import Notification, rules, usage
from core.notifications.models import InboxItem, MessageMeter
from tests.journeys import acting
from tests.journeys.people import People, hire
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom

ADMIN = "/p/riverside/admin"
BROOK = "/p/brook/admin"


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


def test_hours_links_texts_times_and_exports(
    windows: Windows, careroom: Careroom, watch: Watch, tmp_path: Path
) -> None:
    """In a practice of its own: none of it is meant for the other journeys'."""
    with db.scope():
        tenancy.create_practice("brook", "Brook Surgery", time_zone="Europe/London")
    hire("bea", "Bea", "Lowe", tenancy.PRACTICE_ADMIN, "brook")
    with _brook(write=True):
        zoe = patients.create(given_names="Zoe", family_name="Marlow", birth_date="27/03/1980")
    bea = windows.clinician("bea")
    _opening_hours(bea)
    _rules_for_links(bea)
    _texts_and_what_they_cost(bea)
    watch.expect(422, "/admin/retention$")  # asks whether it is meant
    _a_time_that_removes_something(bea)
    _what_is_taken_out(bea, zoe.id, tmp_path)


@contextmanager
def _brook(*, write: bool = False) -> Iterator[tenancy.Practice]:
    with db.scope(write=False):
        practice_id = tenancy.find_by_slug("brook").id
    with tenancy.practice_scope(practice_id, write=write):
        yield tenancy.current()


def _saved(page: Page, words: str) -> None:
    page.locator("main").get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text(words)).to_be_visible()


def _opening_hours(bea: Page) -> None:
    bea.goto(f"{BROOK}/practice/hours")
    bea.get_by_label("Monday: opens", exact=True).fill("08:30")
    bea.get_by_label("Monday: closes", exact=True).fill("18:00")
    bea.get_by_label("Closed day 1: date").fill((db.utcnow() + timedelta(days=90)).date().isoformat())
    bea.get_by_label("Closed day 1: what it is").fill("Training")
    _saved(bea, "The opening hours are saved.")
    expect(bea.get_by_label("Monday: closes", exact=True)).to_have_value("18:00")
    expect(bea.get_by_label("Closed day 1: what it is")).to_have_value("Training")
    with _brook() as practice:
        kept = json.dumps(practice.profile)
    assert "08:30" in kept
    assert "Training" in kept


def _rules_for_links(bea: Page) -> None:
    bea.goto(f"{BROOK}/links")
    bea.get_by_label("Days", exact=True).first.fill("3")
    bea.get_by_label("Wrong dates of birth", exact=True).first.fill("4")
    _saved(bea, "The rules are saved.")
    with _brook():
        assert (links.policies.days_of(), links.policies.tries_of()) == (3, 4)


def _texts_and_what_they_cost(bea: Page) -> None:
    """Nine of ten parts are used: whoever sets the budget is warned, and the price makes a chart of it."""
    bea.goto(f"{BROOK}/usage")
    bea.get_by_role("link", name="Set a budget").click()
    bea.get_by_label("Budget for texts").fill("10")
    _saved(bea, "The settings are saved.")
    now = db.utcnow()
    with _brook(write=True):
        assert rules.load().monthly_segments == 10
        meter = MessageMeter(channel="sms", month=f"{now:%Y-%m}", segments=9)
        text = Notification(
            channel="sms", template="photo_request.invitation", recipient="+447700900109", language="en",
            body="Hello", segments=9, state="delivered", due_at=now, sent_at=now, expires_at=now,
        )  # fmt: skip
        db.session().add_all([meter, text])
    bea.goto(f"{BROOK}/usage")
    expect(bea.get_by_text("The budget for texts is nearly used up")).to_be_visible()
    expect(bea.locator("main")).to_contain_text("9 of 10 parts of texts used this month")
    bea.get_by_role("textbox", name="Price").fill("0.05")
    _saved(bea, "The price is saved.")
    expect(bea.get_by_role("img", name=re.compile("^Messages by month"))).to_be_visible()
    months = bea.get_by_role("table", name="Messages by month")
    expect(months.get_by_role("row", name=re.compile("£0.45"))).to_have_count(1)
    with _brook():
        assert str(usage.price().amount) == "0.05"


def _a_time_that_removes_something(bea: Page) -> None:
    """What would go is counted first; it is saved only by whoever is sure."""
    kind = "core.inbox"
    with _brook(write=True) as practice:
        old = db.utcnow() - timedelta(days=40)
        db.session().add(
            InboxItem(owner="core", permission="core.work", title="Old", url="/", created_at=old)
        )
        assert retention.days_of(retention.find(kind)) == 180, practice.name
    bea.goto(f"{BROOK}/retention")
    bea.get_by_label("Notices under the bell").select_option("30")
    bea.get_by_role("button", name="Save", exact=True).click()
    expect(bea.get_by_text("At the next daily run 1 go")).to_be_visible()
    with _brook():
        assert retention.days_of(retention.find(kind)) == 180
    bea.get_by_label("Yes, remove them").check()
    _saved(bea, "The times are saved.")
    expect(bea.get_by_label("Notices under the bell")).to_have_value("30")
    with _brook():
        assert retention.days_of(retention.find(kind)) == 30


def _what_is_taken_out(bea: Page, patient_id: UUID, folder: Path) -> None:
    """The list of patients, everything about one of them, and the whole practice."""
    bea.goto(f"{BROOK}/exports")
    with bea.expect_download() as listed:
        bea.get_by_role("link", name="Download the list").click()
    listed.value.save_as(folder / "patients.csv")
    (row,) = csv.DictReader((folder / "patients.csv").read_text("utf-8-sig").splitlines())
    assert (row["First names"], row["Date of birth"]) == ("Zoe", "1980-03-27")

    bea.goto(f"/p/brook/patient-data/{patient_id}/export")
    assert "index.html" in _made_and_fetched(bea, folder / "patient.zip")
    bea.goto(f"{BROOK}/exports")
    bea.get_by_role("link", name="Export the practice").click()
    names = _made_and_fetched(bea, folder / "practice.zip")
    assert any("core_patient" in name for name in names), names


def _made_and_fetched(bea: Page, file: Path) -> list[str]:
    """Has the export on this page made and fetches it; answers what is in it."""
    bea.get_by_role("button", name="Make the export").click()
    link = bea.locator(".export-list").get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=30_000)
    with bea.expect_download() as download:
        link.click()
    download.value.save_as(file)
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        return [Path(name).name if "index" in name else name for name in archive.namelist()]
