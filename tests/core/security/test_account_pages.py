"""The start page, preferences, and the health checks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from core import db, tenancy
from core.security import Account, add_membership, create_user
from tests.support.databases import as_owner
from tests.support.house import House, Visitor


def _account(user_id: int) -> Account:
    with db.scope(write=False) as session:
        return session.get_one(Account, user_id)


@pytest.fixture
def two_hats(house: House) -> int:
    with db.scope():
        user = create_user("twohats", "two@hats.example", "Two", "Hats", "careroom-demo")
        add_membership(tenancy.find_by_slug("riverside"), user, "clinician")
        add_membership(tenancy.find_by_slug("lumiere"), user, "receptionist")
        return int(user.id)


def test_who_is_not_signed_in_is_sent_to_the_sign_in(house: House, visitor: Callable[[], Visitor]) -> None:
    assert visitor().get("/").location == "/login"


def test_who_works_in_several_practices_chooses(
    house: House, visitor: Callable[[], Visitor], two_hats: int
) -> None:
    browser = visitor()
    browser.sign_in("twohats")
    page = browser.get("/").get_data(as_text=True)
    for words in (
        'href="/p/riverside/"',
        'href="/p/lumiere/"',
        "Riverside Surgery",
        "Cabinet Lumière",
    ):
        assert words in page


def test_a_suspended_practice_is_not_offered(
    house: House, visitor: Callable[[], Visitor], two_hats: int
) -> None:
    with db.scope():
        tenancy.find_by_slug("lumiere").status = "suspended"
    browser = visitor()
    browser.sign_in("twohats")
    assert browser.get("/").location == "/p/riverside/"


def test_who_works_nowhere_is_told_whom_to_ask(house: House, visitor: Callable[[], Visitor]) -> None:
    with db.scope():
        create_user("nowhere", "no@where.example", "No", "Where", "careroom-demo")
    browser = visitor()
    browser.sign_in("nowhere")
    assert "No practice yet" in browser.get("/").get_data(as_text=True)


def test_preferences_stay_with_the_person(
    house: House, visitor: Callable[[], Visitor], two_hats: int
) -> None:
    browser = visitor()
    browser.sign_in("twohats")
    token_page = browser.get("/").get_data(as_text=True)
    token = token_page.partition('name="csrf-token" content="')[2].partition('"')[0]
    for data in ({"language": "fr"}, {"theme": "dark"}):
        answer = browser.client.post("/preferences", data={**data, "next": "/", "csrf_token": token})
        assert (answer.status_code, answer.location) == (303, "/")
    assert (_account(two_hats).language, _account(two_hats).theme) == ("fr", "dark")
    elsewhere = visitor()
    elsewhere.sign_in("twohats")
    assert '<html lang="fr' in elsewhere.get("/").get_data(as_text=True)


@pytest.mark.parametrize("data", [{"language": "xx"}, {"theme": "neon"}, {"language": "fr'"}, {}])
def test_a_preference_that_is_none_changes_nothing(
    house: House, visitor: Callable[[], Visitor], data: dict[str, str]
) -> None:
    browser = visitor()
    assert browser.post("/preferences", data).status_code == 303
    assert '<html lang="en' in browser.get("/login").get_data(as_text=True)


def test_preferences_lead_to_no_other_site(house: House, visitor: Callable[[], Visitor]) -> None:
    assert visitor().post("/preferences", {"language": "fr", "next": "//evil.example"}).location == "/"


# --- health --------------------------------------------------------------------------------------------------------


def test_the_process_is_up_and_ready(house: House, visitor: Callable[[], Visitor]) -> None:
    assert visitor().get("/healthz").get_json() == {"status": "up"}
    answer = visitor().get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})
    assert answer.headers.getlist("Set-Cookie") == []


def test_without_its_database_it_is_up_but_not_ready(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    with as_owner() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    assert browser.get("/healthz").status_code == 200
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "waiting", "reason": "migrations"})
