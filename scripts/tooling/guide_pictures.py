"""The pictures of the two guides: what clinicians and practice admins see, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page, expect

HOME: Final = "/p/riverside"
PHOTO_INVITATION: Final = "photo_request.invitation"

Picture = Callable[[Page, str], None]
"""Takes what a page shows under a name."""

ADMINISTRATION: Final = {
    "administration": "admin",
    "practice": "admin/practice",
    "look": "admin/practice/look",
    "roles": "admin/roles",
    "templates": f"admin/templates/{PHOTO_INVITATION}?language=en",
    "rules": "messages/rules",
    "usage": "admin/usage",
    "retention": "admin/retention",
    "sign-in": "admin/sign-in",
    "patients-data": "patient-data",
    "exports": "admin/exports",
    "audit": "admin/audit",
    "video-settings": "admin/plugins/video_call/settings",
}
"""Pages of which the picture is the page as it opens: name of the picture, path below the practice."""

CLINICIANS: Final = ("today", "palette", "patients", "alerts", "consent", "emergency", "toolbar", "account")
ADMINS: Final = (*ADMINISTRATION, "import", "staff", "oversight", "plugins")


def of_clinicians(page: Page, take: Picture) -> None:
    """Today, finding a patient, what stands beside a name, consent, the toolbar, the account."""
    page.goto(f"{HOME}/")
    take(page, "today")
    page.keyboard.press("Control+k")
    page.locator("#palette-input").fill("okaf")
    expect(page.locator("#palette-patient-1")).to_be_visible()
    take(page, "palette")
    page.keyboard.press("Escape")
    page.goto(f"{HOME}/patients")
    page.locator(".patient-tick input").first.check()
    take(page, "patients")
    record = add_alert(page, "Whitfield", "Hard of hearing: use the landline", "warning")
    take(page, "alerts")
    page.goto(f"{record}/consent")
    page.locator("[name=sms_consent][value=given]").check(force=True)
    take(page, "consent")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(record)
    toolbar = page.context.new_page()
    toolbar.set_viewport_size({"width": 480, "height": 76})
    toolbar.goto(f"{HOME}/toolbar")
    expect(toolbar.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    page.goto(record)  # it says which patient is the current one; the toolbar follows
    expect(toolbar.get_by_role("link", name="Margaret Whitfield")).to_be_visible()
    take(toolbar, "toolbar")
    toolbar.close()
    page.goto("/account")
    take(page, "account")


def add_alert(page: Page, name: str, text: str, level: str) -> str:
    """Put an alert beside a patient's name; answers where the record is."""
    record = open_record(page, name)
    page.goto(f"{record}/alerts/new")
    page.locator("[name=text]").fill(text)
    page.locator(f"[name=level][value={level}]").check(force=True)
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(record)
    return record


def open_record(page: Page, name: str) -> str:
    """Find a patient and open the record; answers where it is."""
    page.goto(f"{HOME}/patients")
    page.locator("#patient-search").fill(name)
    page.locator(".patient-row", has_text=name).first.click()
    page.wait_for_url("**/patients/*-*")
    return page.url


def of_emergencies(admin: Page, clinician: Page, take: Picture) -> None:
    """An admin restricts a record, a clinician opens it in an emergency, the admin looks at that."""
    record = open_record(admin, "Novak")
    admin.get_by_label("More").click()
    admin.get_by_role("button", name="Restrict the record").click()
    clinician.goto(record)
    clinician.locator("[name=reason]").fill("He is at the desk with chest pain, and his doctor is away.")
    take(clinician, "emergency")
    clinician.get_by_role("button", name="Open the record for an hour").click()
    clinician.wait_for_url(record)
    admin.goto(f"{HOME}/oversight")
    take(admin, "oversight")


def of_admins(page: Page, take: Picture) -> None:
    """Every page of the administration, with something in it."""
    page.goto(f"{HOME}/admin/staff/invite")
    page.locator("[name=email]").fill("ivy.larkin@riverside.example.com")
    page.locator("[name=given_names]").fill("Ivy")
    page.locator("[name=family_name]").fill("Larkin")
    page.locator("[name=role]").select_option(index=2)
    page.get_by_role("button", name="Send the invitation").click()
    page.wait_for_url("**/admin/staff")
    take(page, "staff")
    page.goto(f"{HOME}/patients/import")
    rows = (
        "first names,family name,date of birth,mobile\n"
        "Nora,Ashbury,29/02/1984,07700 900150\n"
        "Theo,Bradford,31/02/1990,07700 900151\n"
    )
    page.locator("[name=file]").set_input_files(
        {"name": "patients.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#bad")).to_be_visible()
    take(page, "import")
    page.goto(f"{HOME}/admin/plugins")
    page.locator("details.fold summary").first.click()
    take(page, "plugins")
    for name, path in ADMINISTRATION.items():
        page.goto(f"{HOME}/{path}")
        take(page, name)
