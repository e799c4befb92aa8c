"""Pages that are not here or not allowed: staff keep their menus, nobody learns whether something exists."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest

from core.plugin_system import activation
from tests.support.house import House, Visitor
from tests.support.pages import text

RAIL = 'id="rail"'


def same(answer: object) -> str:
    """A page without what is different each time it is made."""
    html = answer.get_data(as_text=True)  # type: ignore[attr-defined]  # of werkzeug's test client
    return re.sub(r'(nonce|value|content|data-ticket)="[^"]*"|/p/[^"]*|[0-9a-f-]{36}', "", html)


@pytest.mark.both_databases
def test_staff_keep_their_menus_where_nothing_is(house: House, amira: Visitor) -> None:
    stranger = house.patient_id(house.lumiere, "Benali")
    for path in (
        f"patients/{uuid4()}",
        f"patients/{stranger}",
        "nothing-here",
        "photo_request/requests/nonsense",
    ):
        answer = amira.get(f"/p/riverside/{path}")
        assert answer.status_code == 404
        html = answer.get_data(as_text=True)
        assert RAIL in html, path
        assert "This page is not here" in html
        assert "Consultations" in text(answer), "the menus of plugins, too"
        assert "data-ticket" not in html, "it listens to nothing"
    unknown, of_others = (amira.get(f"/p/riverside/patients/{one}") for one in (uuid4(), stranger))
    assert same(unknown) == same(of_others)


def test_a_denial_says_what_is_missing_and_who_can_give_it(
    house: House, grace: Visitor, amira: Visitor
) -> None:
    answer = grace.get("/p/riverside/admin/staff")
    assert answer.status_code == 403
    assert RAIL in answer.get_data(as_text=True)
    words = text(answer)
    assert "“Invite staff, remove them, and decide who may do what”" in words
    assert "ask Helen" in words
    posted = amira.post("/p/riverside/patients/import", {})
    assert posted.status_code in (403, 404, 405)
    part = grace.get("/p/riverside/admin/staff", headers={"X-Panel": "1"})
    assert RAIL not in part.get_data(as_text=True), "a part of a page is no page"


def test_a_plugin_that_is_off_is_a_page_that_is_not_here(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        activation.disable("photo_request")
    off, unknown = amira.get("/p/riverside/photo_request/"), amira.get("/p/riverside/nothing_here/")
    assert off.status_code == unknown.status_code == 404
    assert RAIL in off.get_data(as_text=True)
    assert same(off) == same(unknown)


def test_strangers_learn_nothing(house: House, amira: Visitor, visitor: Callable[[], Visitor]) -> None:
    anybody = visitor()
    for one in (amira, anybody):
        pages = [
            one.get(path)
            for path in ("/p/lumiere/nothing-here", "/p/no-such-practice/nothing-here", "/nothing-here")
        ]
        assert {page.status_code for page in pages} == {404}
        assert len({same(page) for page in pages}) == 1
        assert RAIL not in pages[0].get_data(as_text=True)
    mine, nobodys = amira.get("/p/lumiere/patients"), amira.get("/p/no-such-practice/patients")
    assert mine.status_code == nobodys.status_code == 404
    assert same(mine) == same(nobodys)
    assert RAIL not in mine.get_data(as_text=True)
    assert RAIL not in amira.get("/operator").get_data(as_text=True), "nobody else knows of the console"


def test_an_operator_keeps_the_console(olga: Visitor) -> None:
    answer = olga.get(f"/operator/practices/{uuid4()}")
    assert answer.status_code == 404
    assert RAIL in answer.get_data(as_text=True)


def test_a_locked_screen_keeps_its_menus_to_itself(amira: Visitor) -> None:
    amira.post("/session/lock")
    assert RAIL not in amira.get("/p/riverside/nothing-here").get_data(as_text=True)
