"""Plugins in the operator's console: where each is on, the word for all practices, and ending a pause."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core import db, tenancy
from core.admin import platform_plugins
from core.audit import AuditEntry, PlatformAuditEntry
from core.plugin_system import activation, faults
from core.plugin_system.fault_models import PluginPause
from tests.support.counting import counted
from tests.support.faulty import photo_requests_failed
from tests.support.house import House, Visitor
from tests.support.pages import text

URL = "/operator/plugins"


def is_on(house: House) -> tuple[bool, bool]:
    found = []
    for practice in (house.riverside, house.lumiere):
        with house.at(practice, write=False):
            found.append(activation.state("photo_request").on)
    return found[0], found[1]


@pytest.mark.both_databases
def test_the_page_says_in_how_many_practices_a_plugin_is_on_with_one_question(
    olga: Visitor, house: House
) -> None:
    page = olga.get(URL)
    assert "Photo requests Version 1.0.0 · on in 2 of 2 practices" in text(page)
    assert 'data-dialog-open="deny-photo_request"' in page.get_data(as_text=True)
    assert 'data-dialog-open="leave-photo_request"' not in page.get_data(as_text=True)
    house.switch(house.lumiere, "photo_request", on=False)
    with db.scope():
        tenancy.create_practice("hillside", "Hillside", country="GB")
        tenancy.create_practice("gone", "Gone", country="GB").status = "erased"
    assert "Photo requests Version 1.0.0 · on in 1 of 3 practices" in text(olga.get(URL))
    with counted() as sent:
        found = platform_plugins.spread()["photo_request"]
    assert (found.on, found.off, found.denied) == (1, 2, 0)
    assert len([one for one in sent if "core_practice_plugin" in one]) == len(sent) == 1


@pytest.mark.both_databases
def test_a_plugin_is_kept_off_everywhere_and_left_to_the_practices_again(olga: Visitor, house: House) -> None:
    house.switch(house.lumiere, "photo_request", on=False)
    answer = olga.post(f"{URL}/photo_request/rule", {"rule": "deny"})
    page = text(olga.get(answer.headers["Location"]))
    assert "It is now kept off in 2 more practices" in page
    assert "on in 0 of 2 practices · kept off by your word in 2 practices" in page
    assert "Leave to the practices" in page
    assert is_on(house) == (False, False)
    with house.at(house.riverside, write=False) as session:
        [denied] = session.scalars(select(AuditEntry).where(AuditEntry.action == "plugin.denied"))
        assert denied.actor_name == "Olga Berg"
    with db.scope(write=False) as session:
        [told] = session.scalars(
            select(PlatformAuditEntry).where(PlatformAuditEntry.action == "plugin.denied")
        )
        assert told.detail == {"plugin": "photo_request", "practices": 2}
    answer = olga.post(f"{URL}/photo_request/rule", {"rule": ""})
    assert "It is left to 2 practices again" in text(olga.get(answer.headers["Location"]))
    assert is_on(house) == (True, False), "as each had chosen"


def test_a_word_for_one_practice_outlives_the_end_of_the_word_for_all(olga: Visitor, house: House) -> None:
    with house.at(house.riverside):
        activation.decree("photo_request", "force")
    with house.at(house.lumiere):
        activation.decree("photo_request", "deny")
    olga.post(f"{URL}/photo_request/rule", {"rule": ""})
    with house.at(house.riverside, write=False):
        assert activation.state("photo_request").rule == "force"
    assert is_on(house) == (True, True)


@pytest.mark.parametrize(
    ("name", "rule"), [("nothing", "deny"), ("photo_request", "force"), ("photo_request", "x")]
)
def test_no_other_word_is_said_everywhere(olga: Visitor, house: House, name: str, rule: str) -> None:
    assert olga.post(f"{URL}/{name}/rule", {"rule": rule}).status_code == 404
    assert olga.post(f"{URL}/photo_request/rule").status_code == 404
    assert is_on(house) == (True, True)


@pytest.mark.both_databases
def test_a_pause_is_ended_where_it_is_and_the_practice_reads_by_whom(olga: Visitor, house: House) -> None:
    for practice in (house.riverside, house.lumiere):
        with house.at(practice) as session:
            photo_requests_failed(session)
    assert text(olga.get(URL)).count("End the pause") == 2
    answer = olga.post(f"{URL}/photo_request/pauses/{house.riverside}")
    page = text(olga.get(answer.headers["Location"]))
    assert "The pause is over" in page
    assert page.count("End the pause") == 1
    assert "Paused in 1 practice" in page
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(PluginPause)).one().ended_at is not None
        assert faults.health("photo_request").state == "closed"
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "plugin.pause_ended"))
        assert entry.actor_name == "Olga Berg"
    assert olga.post(f"{URL}/photo_request/pauses/{db.uuid7()}").status_code == 404
    assert olga.post(f"{URL}/nothing/pauses/{house.riverside}").status_code == 404
