"""From an app's own browser into the real one: the address works for minutes and asks for the date of birth again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import db, links
from core.web import second_browser
from tests.support.house import House, Visitor
from tests.support.pages import text

BORN = {"day": "14", "month": "3", "year": "1951"}


@pytest.fixture
def again(house: House) -> str:
    """Where the link of Margaret Whitfield goes on."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        link = links.issue("photo_request.photos", patient_id, db.uuid7()).link
        return second_browser.address(link).removeprefix(house.settings.base_url)


def test_it_asks_who_is_there_and_lets_the_right_one_in(again: str, visitor: Callable[[], Visitor]) -> None:
    phone = visitor()
    assert "What is your date of birth?" in text(phone.get(again))
    assert phone.post(again, {**BORN, "day": "15"}).status_code == 422
    answer = phone.post(again, BORN)
    assert answer.status_code == 303
    assert "again." not in answer.headers["Location"]


def test_it_is_over_after_some_minutes_and_nothing_else_is_taken_for_it(
    again: str, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert visitor().get(again[:-2]).status_code == 404
    assert visitor().get("/l/again.").status_code == 404
    monkeypatch.setattr(second_browser, "_SECONDS", -1)
    assert visitor().get(again).status_code == 404
