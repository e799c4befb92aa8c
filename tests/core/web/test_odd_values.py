"""Values that parse and mean nothing: far years, clocks with a zone, JSON that is no object. Each gets an answer."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from werkzeug.exceptions import BadRequest

from core.security import passwords
from core.web.incoming import Incoming
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


@pytest.mark.both_databases
def test_what_no_database_holds_is_taken_out_of_forms_and_breaks_no_address(
    house: House, helen: Visitor, visitor: Callable[[], Visitor]
) -> None:
    url = "/p/riverside/messages/rules"
    named = helen.get("/p/riverside/patients", query_string={"q": "Whit\0field"})
    assert named.status_code == 200
    sought = helen.post("/p/riverside/patients", {"q": "Whit\0field"})
    assert "Margaret Whitfield" in sought.get_data(as_text=True)
    raw = helen.client.get("/p/riverside/patients", environ_overrides={"QUERY_STRING": "q=\xff&page=1"})
    assert raw.status_code == 200, "bytes that are no text"
    assert helen.post(url, {"no\0body": "a\0b"}).status_code < 500
    for path in ("/login/provider/a%00b", "/p/river%00side/", "/p/riverside/patients/%00", "/l/%00"):
        assert visitor().get(path).status_code == 404, path


def test_halves_of_characters_in_json_are_marked_and_what_has_no_end_is_none() -> None:
    with Incoming.from_values(json={"a\0": ["\ud83d\ude00 \ud83d", {"b": "\0c"}, 3, None]}) as request:
        assert request.get_json() == {"a": ["\U0001f600 \ufffd", {"b": "c"}, 3, None]}
    with Incoming.from_values(data="[" * 100_000, content_type="application/json") as request:
        assert request.get_json(silent=True) is None
        with pytest.raises(BadRequest):
            request.get_json()
    with Incoming.from_values(data={"a": ["\0", "b\0"]}, query_string="c=%00d") as request:
        assert request.form.getlist("a") == ["", "b"]
        assert request.values["c"] == "d"


def test_a_password_that_is_no_text_does_not_match() -> None:
    assert not passwords.matches(passwords.hash_of("a good password"), "\ud800")
