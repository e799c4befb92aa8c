"""What the shells show around a page, seen in the pages themselves."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask, render_template_string

from core import i18n
from core.i18n import _l
from core.notifications import inbox
from core.web import shell
from tests.support.house import House, Visitor

HOME = "/p/riverside/"


def html(browser: Visitor, url: str) -> str:
    return str(browser.get(url).get_data(as_text=True))


def rail(page: str) -> list[str]:
    """The titles in the rail."""
    found = re.search(r'<nav class="rail".*?</nav>', page, re.DOTALL)
    assert found is not None
    return re.findall(r'class="rail-item"[^>]*>(?:<svg.*?</svg>)<span>(.*?)</span>', found[0], re.DOTALL)


def test_the_rail_has_what_a_clinician_may_open(amira: Visitor) -> None:
    titles = rail(html(amira, HOME))
    assert titles[:2] == ["Today", "Patients"]
    assert "Photo requests" in titles
    assert not {"Plugins", "Administration"} & set(titles)
    assert "data-administration" not in html(amira, HOME), "a shortcut that leads nowhere is not there"


def test_the_rail_of_a_practice_admin_has_the_administration(visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("helen")
    page = html(browser, "/p/riverside/admin/plugins")
    assert "Plugins" in rail(page)
    assert re.search(r'href="/p/riverside/admin/plugins" aria-current="page"', page)


def test_the_page_says_where_one_is_and_who_one_is(amira: Visitor) -> None:
    page = html(amira, HOME)
    assert "· Riverside Surgery</title>" in page
    assert "Amira Khan" in page
    assert re.search(rf'href="{HOME}" aria-current="page"', page)


def test_the_theme_is_in_the_markup_so_that_no_page_flashes(amira: Visitor) -> None:
    assert 'data-theme="system"' in html(amira, HOME)
    assert "data-bs-theme" not in html(amira, HOME)
    amira.post("/preferences", {"theme": "dark", "next": HOME})
    page = html(amira, HOME)
    assert 'data-theme="dark" data-bs-theme="dark"' in page
    assert '<meta name="color-scheme" content="dark">' in page


def test_the_language_is_the_readers(amira: Visitor) -> None:
    amira.post("/preferences", {"language": "fr", "next": HOME})
    page = html(amira, HOME)
    assert re.search(r'<html lang="fr(-FR)?" dir="ltr"', page)
    assert re.search(r'value="fr" lang="fr" aria-pressed="true"', page)


def test_the_bell_counts_what_is_new_until_it_is_opened(amira: Visitor, house: House) -> None:
    with house.at(house.riverside):
        item = inbox.notify(_l("Photos have come"), url="/patients", permission="core.work")
        item_id = item.id
    page = html(amira, HOME)
    assert "Notifications, 1 new" in page
    assert "Photos have come" in page
    answer = amira.get(f"/p/riverside/bell/{item_id}")
    assert answer.headers["Location"] == "/p/riverside/patients"
    assert "Notifications, 1 new" not in html(amira, HOME)


def test_what_was_opened_by_another_way_is_read_for_this_person_alone(
    amira: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    with house.at(house.riverside):
        inbox.notify(_l("Photos have come"), url="/patients", permission="core.work")
        inbox.notify(_l("Others have come"), url="/elsewhere", permission="core.work")
    assert "Notifications, 2 new" in html(amira, HOME)
    assert "Notifications, 1 new" in html(amira, "/p/riverside/patients")
    assert "Notifications, 1 new" in html(amira, HOME)
    grace = visitor()
    grace.sign_in("grace")
    assert "Notifications, 2 new" in html(grace, HOME)


def test_all_can_be_marked_as_read(amira: Visitor, house: House) -> None:
    with house.at(house.riverside):
        for number in range(3):
            inbox.notify(_l("News"), url="/patients", permission="core.work", key=f"news-{number}")
    assert "Notifications, 3 new" in html(amira, "/p/riverside/bell")
    answer = amira.post("/p/riverside/bell/read", {"next": HOME})
    assert answer.headers["Location"] == HOME
    assert "Nothing new" not in html(amira, "/p/riverside/bell")
    assert "3 new" not in html(amira, "/p/riverside/bell")


def test_an_item_of_another_practice_does_not_exist(amira: Visitor, house: House) -> None:
    with house.at(house.lumiere):
        item_id = inbox.notify(_l("Secret"), url="/patients", permission="core.work").id
    assert amira.get(f"/p/riverside/bell/{item_id}").status_code == 404
    assert "Secret" not in html(amira, HOME)


def test_the_page_is_handed_a_ticket_for_its_topics_and_can_renew_it(amira: Visitor) -> None:
    page = html(amira, HOME)
    found = re.search(r'<body[^>]* data-ticket="([^"]+)" data-seq="(\d+)" data-ticket-url="([^"]+)"', page)
    assert found is not None
    answer = amira.client.post(
        found[3], json={"ticket": found[1]}, headers={"X-CSRFToken": _csrf_token(page)}
    )
    assert answer.status_code == 200
    assert answer.json["ticket"]


def test_a_ticket_is_of_no_use_to_somebody_else(amira: Visitor, visitor: Callable[[], Visitor]) -> None:
    ticket = re.search(r'data-ticket="([^"]+)"', html(amira, HOME))
    assert ticket is not None
    other = visitor()
    other.sign_in("tom")
    page = html(other, HOME)
    answer = other.client.post(
        "/p/riverside/live/ticket", json={"ticket": ticket[1]}, headers={"X-CSRFToken": _csrf_token(page)}
    )
    assert (answer.status_code, answer.json["reason"]) == (403, "foreign")


def _csrf_token(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_error_pages_are_in_the_shell_of_whoever_reads_them(visitor: Callable[[], Visitor]) -> None:
    staff, patient = html(visitor(), "/nowhere"), html(visitor(), "/v/nowhere")
    assert "This page is not here" in staff
    assert 'class="bare' in staff
    assert "This page is not here" in patient
    assert "css/patient.css" in patient
    assert "tabler" not in patient


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 429, 500, 503])
@pytest.mark.parametrize("path", ["/x", "/v/x"])
def test_every_error_page_renders_without_a_practice_or_a_person(app: Flask, status: int, path: str) -> None:
    with app.test_request_context(path):
        page = render_template_string(
            "{% include name %}", name=f"errors/{status}.html", status=status, message=None
        )
    assert re.search(r"<h1[^>]*>[^<]{8,}</h1>", page)


@pytest.mark.parametrize(
    ("language", "order"), [("en-GB", ["day", "month", "year"]), ("fr-FR", ["day", "month", "year"])]
)
def test_a_date_is_asked_in_the_order_of_the_language(language: str, order: list[str]) -> None:
    with i18n.use_language(language):
        assert shell.date_parts() == order


def test_the_year_comes_first_where_it_is_written_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from babel import Locale

    monkeypatch.setattr(i18n, "babel_locale", lambda: Locale("hu"))
    assert shell.date_parts() == ["year", "month", "day"]


def test_outside_the_administration_its_pages_are_one_entry_and_still_in_the_palette(
    visitor: Callable[[], Visitor],
) -> None:
    browser = visitor()
    browser.sign_in("helen")
    page = html(browser, HOME)
    assert "Administration" in rail(page)
    assert "Audit trail" not in rail(page)
    commands = page.partition("data-palette-commands")[2].partition("</template>")[0]
    assert "<span>Audit trail</span>" in commands
    assert "<span>Usage and cost</span>" in commands
    assert 'data-administration="/p/riverside/admin"' in page
    assert re.search(r"<dt>Administration</dt><dd><kbd>g</kbd> <kbd>a</kbd></dd>", page)
    inside = rail(html(browser, "/p/riverside/admin/usage"))
    assert {"Overview", "Message templates", "Usage and cost", "Exports", "Audit trail"} <= set(inside)
    assert inside[:2] == ["Today", "Patients"]


def test_the_rail_is_fetched_again_as_on_the_page_that_asks(visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("helen")
    assert 'data-panel="core.rail"' in html(browser, HOME)
    again = html(browser, "/p/riverside/rail?at=/p/riverside/admin/usage")
    assert re.search(r'href="/p/riverside/admin/usage" aria-current="page"', again)
    assert "<html" not in again
    for strange in ("", "?at=/p/lumiere/admin", "?at=//x" + "y" * 999):
        assert re.search(rf'href="{HOME}" aria-current="page"', html(browser, f"/p/riverside/rail{strange}"))
