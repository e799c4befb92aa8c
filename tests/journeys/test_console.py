"""The operator's console and the workplace's new pages, looked over as people with other eyes and screens do."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from core import db, demo
from core.security import users
from tests.journeys.looking import look_over
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.running import Careroom


def test_the_console_is_for_every_eye_and_screen(windows: Windows, careroom: Careroom) -> None:
    with db.scope():
        users.create_user("olga", "olga@example.com", "Olga", "Berg", demo.PASSWORD, is_operator=True)
    page = windows.desk()
    page.goto("/login")
    page.locator("input[name=username]").fill("olga")
    page.locator("input[name=password]").fill(demo.PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/operator")
    look_over(page)
    for name in ("What was given up", "Migrations and versions"):
        page.locator(".rail").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        look_over(page)
    page.goto("/operator/practices/new")
    look_over(page)
    page.goto("/operator")
    page.get_by_role("link", name="Riverside Surgery").click()
    expect(page.get_by_role("button", name="Suspend")).to_be_visible()
    look_over(page)


def test_the_workspaces_pages_are_for_every_eye_and_screen(clinician: Page, people: People) -> None:
    person = people.new()
    clinician.goto(person.path)
    clinician.get_by_label("More").click()
    clinician.get_by_role("link", name="Add alert").click()
    dialog = clinician.get_by_role("dialog", name="Add alert")
    look_over(clinician)
    dialog.get_by_label("What must everybody know?").fill("Hard of hearing")
    dialog.get_by_role("radio", name="Warning").check()
    dialog.get_by_role("button", name="Add alert").click()
    expect(clinician.get_by_role("list", name="Alerts")).to_contain_text("Hard of hearing")
    expect(clinician.get_by_text("Record created")).to_be_visible()
    look_over(clinician)
    for page in ("consent", "messages", "timeline", "alerts/new"):
        clinician.goto(f"{person.path}/{page}")
        look_over(clinician)
    clinician.goto("/p/riverside/patients")
    clinician.locator(".patient-tick input").first.check()
    expect(clinician.get_by_role("button", name="Take off the list")).to_be_visible()
    look_over(clinician)
