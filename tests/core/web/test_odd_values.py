"""Values that parse and mean nothing: far years, clocks with a zone, JSON that is no object. Each gets an answer."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from core.security import passwords
from tests.support.house import House, Visitor


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_the_trail_of_a_far_year(helen: Visitor, day: str) -> None:
    for way in ("since", "until"):
        answer = helen.get(f"/p/riverside/admin/audit?{way}={day}")
        assert answer.status_code == 200
        assert "Audit trail" in answer.get_data(as_text=True)


def test_the_timeline_before_a_far_year(house: House, helen: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    before = "0001-01-01T00:00:00%2B14:00"
    answer = helen.get(f"/p/riverside/patients/{patient_id}/timeline?before={before}")
    assert answer.status_code < 500


def test_opening_hours_with_a_zone_are_refused_in_words(helen: Visitor) -> None:
    url = "/p/riverside/admin/practice/hours"
    answer = helen.post(url, {"day-0-0-from": "08:30+01:00", "day-0-0-until": "12:00"})
    assert answer.status_code == 422
    assert "Times read like 08:30." in answer.get_data(as_text=True)


def test_json_that_is_no_object_is_a_refusal(visitor: Callable[[], Visitor]) -> None:
    answer = visitor().post("/login/passkey", json.dumps([1]), content_type="application/json")
    assert answer.status_code == 422


def test_a_password_that_is_no_text_does_not_match() -> None:
    assert not passwords.matches(passwords.hash_of("a good password"), "\ud800")
