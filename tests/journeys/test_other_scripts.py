"""Right-to-left and longer languages, tried by pseudo-locales: pages turn round and nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acting, photos
from tests.journeys.looking import NARROW, NARROWEST, WIDE, look_over, sideways
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.databases import SqliteTemplate
from tests.support.running import Careroom, eventually, running


@pytest.fixture(scope="module")
def installation(
    seeded_sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Careroom]:
    """A Careroom that offers the pseudo-locales."""
    folder = tmp_path_factory.mktemp("pseudo")
    with seeded_sqlite_template.copy(folder) as url, running(url, folder, pseudo_locales=True) as started:
        yield started


def _look_over(page: Page, widths: tuple[int, ...]) -> None:
    # "[Delete]" is no part of "[Delete [Photo 1]]": the brackets that pseudo-locales put around messages.
    look_over(page, widths, without=("label-content-name-mismatch",))


def _choose_language(page: Page, code: str) -> None:
    page.locator(f"button[name=language][value={code}]").evaluate("button => button.click()")
    expect(page.locator(f"html[lang^={code}]")).to_be_attached()


@pytest.mark.parametrize(("code", "direction"), [("ar-XB", "rtl"), ("en-XA", "ltr")])
def test_patient_pages(phone: Page, people: People, careroom: Careroom, code: str, direction: str) -> None:
    person = people.new()
    phone.goto(acting.ask_for_photos(careroom, person))
    _choose_language(phone, code)
    widths = (NARROWEST, WIDE)
    expect(phone.locator("html")).to_have_attribute("dir", direction)
    _look_over(phone, widths)
    acting.enter_birth_date(phone, person.birth_date)
    phone.wait_for_url("**/photo_request/**")
    expect(phone.locator("html")).to_have_attribute("dir", direction)
    _look_over(phone, widths)
    acting.choose(phone, photos.jpeg(1), photos.text_named_jpg())
    expect(acting.chosen_photos(phone)).to_have_count(1)
    _look_over(phone, widths)
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)
    _look_over(phone, widths)


# As they stand in that language: the rest of the administration, what staff read most, all of it long.
ADMINISTRATION = (
    "", "/practice", "/practice/hours", "/practice/look", "/links", "/templates", "/usage", "/staff",
    "/staff/invite", "/roles", "/roles/new", "/sign-in", "/retention", "/exports", "/exports/practice", "/audit",
)  # fmt: skip


# Every page turns round at 320 px in test_pages_of_the_map: here the longer ones, with what a request holds.
@pytest.mark.parametrize(("code", "direction", "width"), [("ar-XB", "rtl", WIDE), ("en-XA", "ltr", NARROW)])
def test_staff_pages(
    windows: Windows, phone: Page, people: People, careroom: Careroom, code: str, direction: str, width: int
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person, note="Both hands"), person)
    acting.send_photos(phone, photos.jpeg(1), photos.jpeg(2))
    eventually(lambda: acting.states(careroom, person) == ["ready"] * 2, what="the pictures")
    (request,) = acting.requests_of(careroom, person)
    first, _second = acting.photos_of(careroom, person)
    admin = windows.clinician("helen")
    _choose_language(admin, code)
    for path in (
        "",
        "patients",
        f"patients/{person.id}",
        f"photo_request/patients/{person.id}/new",
        "photo_request/?show=all",
        f"photo_request/requests/{request.id}",
        f"photo_request/photos/{first.id}",
        "admin/plugins",
        "admin/plugins/photo_request/settings",
    ):
        admin.goto(f"/p/riverside/{path}")
        expect(admin.locator("html")).to_have_attribute("dir", direction)
        _look_over(admin, (width,))
    for page in ADMINISTRATION if direction == "rtl" else ():
        answer = admin.goto(f"/p/riverside/admin{page}")
        assert answer is not None
        assert answer.ok, answer.url
        expect(admin.locator("html")).to_have_attribute("dir", direction)
        for size in (NARROWEST, WIDE):
            admin.set_viewport_size({"width": size, "height": 900})
            assert sideways(admin) == [], f"{page} at {size} px"
    admin.goto(person.path)
    number = admin.locator(".contact-list .number").first
    assert number.evaluate("(one) => getComputedStyle(one).direction") == "ltr"  # 07700 900…, not 900… 07700
    admin.set_viewport_size({"width": WIDE, "height": 900})
    rail = admin.get_by_role("navigation").first.bounding_box()
    assert rail is not None
    assert (rail["x"] > 640) == (direction == "rtl")  # the rail is where reading begins
