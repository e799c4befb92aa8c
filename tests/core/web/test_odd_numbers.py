"""Numbers that nobody means: Python refuses to read thousands of digits, and no database counts as far as twenty."""

from __future__ import annotations

import pytest
from flask import Flask

from core import retention
from core.authoring.surfaces import rules
from tests.support.house import House, Visitor
from tests.support.pages import text

MANY = "9" * 5_000


@pytest.mark.parametrize("number", [MANY, "9" * 20], ids=["many", "more than a database counts"])
def test_a_page_that_there_is_not_is_answered_by_one_that_there_is(
    app: Flask, helen: Visitor, olga: Visitor, number: str
) -> None:
    """On every page that needs no more than a practice."""
    tried, broken = set(), []
    for browser, kind in ((helen, "staff"), (olga, "operator")):
        for rule, _access in rules(app, kind):
            if "GET" not in (rule.methods or ()) or rule.arguments - {"practice_slug"}:
                continue
            url = rule.rule.replace("<practice_slug>", "riverside")
            tried.add(url)
            answer = browser.get(url, query_string={"page": number, "before": number, "months": number})
            if answer.status_code >= 500:
                broken.append(url)
    assert broken == []
    assert tried >= {"/p/riverside/oversight", "/p/riverside/messages", "/operator/relay/lines"}


def test_a_patients_messages_have_no_page_without_end(house: House, helen: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    assert helen.get(f"/p/riverside/patients/{patient_id}/messages?page={MANY}").status_code == 200


@pytest.mark.parametrize("number", [MANY, "9" * 7, "7" * 15], ids=["many", "far", "farther"])
def test_a_time_beyond_the_calendar_is_refused(house: House, helen: Visitor, number: str) -> None:
    with house.at(house.riverside, write=False):
        before = {kind.name: retention.days_of(kind) for kind in retention.kinds_here()}
    form = dict.fromkeys(before, number)
    assert helen.post("/p/riverside/admin/retention/preview", form).status_code == 200
    answer = helen.post("/p/riverside/admin/retention", {**form, "sure": "1"})
    assert (answer.status_code, "Keep it for" in text(answer)) == (422, True)
    with house.at(house.riverside, write=False):
        assert {kind.name: retention.days_of(kind) for kind in retention.kinds_here()} == before


@pytest.mark.parametrize("number", [MANY, "0" * 8 + "7" + "0" * 4_500], ids=["many", "behind zeros"])
def test_a_number_of_days_for_links_is_refused_in_words(helen: Visitor, number: str) -> None:
    answer = helen.post("/p/riverside/admin/links", {"every-days": number})
    assert (answer.status_code, "Enter a whole number from" in text(answer)) == (422, True)
