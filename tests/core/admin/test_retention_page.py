"""How long data is kept: what is offered, what would go, what is asked before it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core import db, retention
from core.jobs.service import running_for
from core.notifications import InboxItem
from tests.support.house import House, Visitor

URL = "/p/riverside/admin/retention"
KIND = "core.inbox"


@pytest.fixture
def three_old_notices(house: House) -> None:
    with house.at(house.riverside) as session:
        for days in (40, 50, 60):
            at = db.utcnow() - timedelta(days=days)
            session.add(InboxItem(owner="core", permission="core.work", title="Old", url="/", created_at=at))


def days(house: House, practice: str = "riverside") -> int | None:
    with house.at(getattr(house, practice), write=False):
        return retention.days_of(retention.find(KIND))


def test_only_who_manages_the_practice_may(visitor: Callable[[], Visitor]) -> None:
    amira = visitor()
    amira.sign_in("amira")
    for answer in (amira.get(URL), amira.post(URL), amira.post(f"{URL}/preview")):
        assert answer.status_code == 403


def test_kinds_are_grouped_and_the_usual_is_said(helen: Visitor) -> None:
    page = helen.get(URL).get_data(as_text=True)
    assert "Notices under the bell" in page
    assert "180 days (usual)" in page
    assert "(cannot be changed)" in page
    assert "Nothing: no data is older than the times chosen." in page


def test_what_has_no_time_is_on_the_page_with_the_law_of_the_country(helen: Visitor, nadia: Visitor) -> None:
    page = helen.get(URL).get_data(as_text=True)
    for title in (
        "Patients’ records",
        "Links that ran out",
        "Emergency access to restricted records",
        "Audit trail",
    ):
        assert title in page.partition('id="what-stays"')[2]
    assert "ten years after the patient’s death" in page
    assert "1112-7" not in page
    assert "1112-7" in nadia.get("/p/lumiere/admin/retention").get_data(as_text=True)


@pytest.mark.both_databases
@pytest.mark.usefixtures("three_old_notices")
def test_what_would_go_is_shown_and_asked_about_before_it_is_saved(helen: Visitor, house: House) -> None:
    looked = helen.post(f"{URL}/preview", {KIND: "30"}).get_data(as_text=True)
    assert ">3<" in looked
    assert "<html" not in looked
    assert days(house) == 180
    asked = helen.post(URL, {KIND: "30"})
    page = asked.get_data(as_text=True)
    assert asked.status_code == 422
    assert "At the next daily run 3 go" in page
    assert '<option value="30" selected>' in page
    assert days(house) == 180
    assert helen.post(URL, {KIND: "30", "sure": "1"}).status_code == 303
    assert days(house) == 30
    assert days(house, "lumiere") == 180
    with house.at(house.riverside, write=False) as session:
        assert session.query(InboxItem).count() == 3, "nothing goes before the daily run"


def test_keeping_longer_needs_no_question(helen: Visitor, house: House) -> None:
    assert helen.post(URL, {KIND: "ever"}).status_code == 303
    assert days(house) is None
    assert "How long data is kept changed" in helen.get("/p/riverside/admin/audit").get_data(as_text=True)


@pytest.mark.parametrize("text", ["0", "6", "-1", "soon", "", "٣٠", "1e3"])
def test_a_time_that_is_not_allowed(helen: Visitor, house: House, text: str) -> None:
    answer = helen.post(URL, {KIND: text})
    assert answer.status_code == 422
    assert "Keep it for at least 7 days." in answer.get_data(as_text=True)
    assert days(house) == 180


def test_a_fixed_time_cannot_be_sent_either(helen: Visitor, house: House) -> None:
    helen.post(URL, {"core.unfinished_uploads": "5"})
    with house.at(house.riverside, write=False):
        assert retention.days_of(retention.find("core.unfinished_uploads")) == 1


def test_a_button_shows_it_without_a_script(helen: Visitor, house: House, three_old_notices: None) -> None:
    page = helen.post(URL, {KIND: "30", "action": "preview"})
    assert page.status_code == 200
    assert ">3<" in page.get_data(as_text=True)
    assert days(house) == 180


def test_two_admins_at_once(helen: Visitor, house: House) -> None:
    seen = helen.get(URL).get_data(as_text=True).partition('name="seen" value="')[2].partition('"')[0]
    helen.post(URL, {KIND: "ever", "seen": seen})
    answer = helen.post(URL, {KIND: "365", "seen": seen})
    assert answer.status_code == 409
    assert "Somebody else has changed these times meanwhile" in answer.get_data(as_text=True)
    assert days(house) is None


@pytest.mark.both_databases
def test_notices_stay_for_as_long_as_was_chosen(helen: Visitor, house: House) -> None:
    def there_after(choice: str) -> int:
        helen.post(URL, {KIND: choice, "sure": "1"})
        with running_for(house.riverside):
            retention.apply()
        with house.at(house.riverside, write=False) as session:
            return session.scalar(select(func.count(InboxItem.id)).where(InboxItem.title == "Old")) or 0

    with house.at(house.riverside) as session:
        at = db.utcnow() - timedelta(days=200)
        session.add(InboxItem(owner="core", permission="core.work", title="Old", url="/", created_at=at))
    assert there_after("365") == 1
    assert there_after("180") == 0


def test_a_time_longer_than_the_calendar_is_answered(helen: Visitor) -> None:
    assert helen.post(f"{URL}/preview", {"core.message_bodies": "999999"}).status_code == 200
