"""Signing in and out: one answer for every failure, a pause after many, and a session that really ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import audit, db, tenancy
from core.audit import PlatformAuditEntry
from core.demo import PASSWORD
from core.security import Account, SignInSession, limits, sign_in, users
from tests.support.house import House, Visitor

NO_MATCH = "do not match"


def _user_id(username: str) -> int:
    with db.scope(write=False) as session:
        return session.scalars(select(User.id).where(User.username == username)).one()


def _account(username: str) -> Account:
    with db.scope(write=False) as session:
        return session.get_one(Account, _user_id(username))


def _trail() -> list[tuple[str, dict[str, Any] | None]]:
    with db.scope(write=False) as session:
        found = session.scalars(select(PlatformAuditEntry).order_by(PlatformAuditEntry.seq))
        return [(entry.action, entry.detail) for entry in found]


def _is_in(browser: Visitor) -> bool:
    answer = browser.get("/p/riverside/")
    assert answer.status_code in (200, 302)
    return bool(answer.status_code == 200)


def _session_cookie(browser: Visitor) -> Any:
    (cookie,) = [cookie for cookie in browser.client._cookies.values() if cookie.key == "careroom_session"]
    return cookie


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_right_password_leads_to_the_practice(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    assert not _is_in(browser)
    answer = browser.sign_in("amira")
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/").location == "/p/riverside/"
    assert _is_in(browser)


@pytest.mark.parametrize(
    "name", ["AMIRA", " amira ", "amira@riverside.example.com", "Amira@Riverside.Example.com"]
)
def test_the_name_may_be_typed_in_any_case_or_as_the_address(
    house: House, visitor: Callable[[], Visitor], name: str
) -> None:
    assert visitor().sign_in(name).status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("amira", "wrong-password"),
        ("nobody", PASSWORD),
        ("amira", ""),
        ("", PASSWORD),
        ("", ""),
        ("amira", PASSWORD + " "),
        ("amira", "x" * 100_000),
        ("%", PASSWORD),
        ("\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace") + "🩺" * 300, PASSWORD),
    ],
)
def test_every_failure_reads_the_same(
    house: House, visitor: Callable[[], Visitor], name: str, password: str
) -> None:
    browser = visitor()
    answer = browser.sign_in(name, password)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, NO_MATCH in page) == (422, True)
    assert not _is_in(browser)


def test_the_user_name_stays_in_the_form_and_the_password_does_not(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    page = visitor().sign_in("amira", "my-secret-typo").get_data(as_text=True)
    assert re.search(r'name="username"[^>]*value="amira"', page)
    assert "my-secret-typo" not in page


def test_somebody_who_left_cannot_sign_in_and_is_out_at_once(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    browser.sign_in("amira")
    with db.scope() as session:
        session.scalars(select(User).where(User.username == "amira")).one().active = False
    assert not _is_in(browser)
    assert visitor().sign_in("amira").status_code == 422


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        " //evil.example",
        "/x\r\nSet-Cookie: a=b",
        "evil.example",
        "/" + "x" * 3000,
    ],
)
def test_nobody_is_led_to_another_site(house: House, visitor: Callable[[], Visitor], target: str) -> None:
    answer = visitor().post("/login", {"username": "amira", "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.location) == (303, "/")
    signed_in = visitor()
    signed_in.sign_in("amira")
    assert signed_in.get("/login", query_string={"next": target}).location == "/"


def test_who_wanted_a_page_comes_to_it_after_signing_in(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    asked = browser.get("/p/riverside/?tab=x")
    assert asked.location == "/login?next=/p/riverside/?tab%3Dx"
    page = browser.get(asked.location).get_data(as_text=True)
    assert 'name="next" value="/p/riverside/?tab=x"' in page
    answer = browser.post(
        "/login", {"username": "amira", "password": PASSWORD, "next": "/p/riverside/?tab=x"}
    )
    assert answer.location == "/p/riverside/?tab=x"


# --- the session ---------------------------------------------------------------------------------------------------


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    answer = visitor().sign_in("amira")
    device, session = sorted(answer.headers.getlist("Set-Cookie"))
    assert device.startswith("careroom_device=")
    assert session.startswith("careroom_session=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Expires="):
        assert part in session
        assert part in device


def test_signing_in_starts_a_new_session_and_keeps_nothing_but_preferences(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    browser.post("/preferences", {"language": "fr", "next": "/login"})
    with browser.client.session_transaction() as session:
        session["planted"] = "by somebody else"
        before = session["csrf_token"]
    browser.sign_in("amira")
    with browser.client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != before
        assert session["language"] == "fr"


def test_signing_out_ends_every_copy_of_the_cookie(house: House, visitor: Callable[[], Visitor]) -> None:
    browser, thief = visitor(), visitor()
    browser.sign_in("amira")
    thief.client.set_cookie("careroom_session", _session_cookie(browser).value)
    assert _is_in(thief)
    token = re.search(
        r'name="csrf-token" content="([^"]+)"', browser.get("/p/riverside/").get_data(as_text=True)
    )
    assert token is not None
    answer = browser.client.post("/logout", headers={"X-CSRFToken": token[1]})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert not _is_in(browser)
    assert not _is_in(thief)


def test_a_link_elsewhere_cannot_sign_anybody_out(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("amira")
    assert browser.get("/logout").status_code == 405
    assert browser.client.post("/logout").status_code == 400
    assert _is_in(browser)


def test_a_session_ends_after_twelve_hours(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("amira")
    with db.scope() as session:
        row = session.scalars(select(SignInSession)).one()
        assert timedelta(hours=11, minutes=59) < row.expires_at - db.utcnow() <= timedelta(hours=12)
        row.expires_at = db.utcnow()
    assert not _is_in(browser)


def test_one_users_cookie_with_another_users_number_is_nobody(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    browser.sign_in("amira")
    with browser.client.session_transaction() as session:
        session["_user_id"] = str(_user_id("helen"))
    assert not _is_in(browser)


# --- the pause -----------------------------------------------------------------------------------------------------


def test_ten_failures_pause_the_account_and_the_right_password_fails_too(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    for _ in range(10):
        browser.sign_in("amira", "wrong")
    locked_until = _account("amira").locked_until
    assert locked_until is not None
    assert timedelta(minutes=14) < locked_until - db.utcnow() <= timedelta(minutes=15)
    paused = browser.sign_in("amira")
    assert (paused.status_code, NO_MATCH in paused.get_data(as_text=True)) == (422, True)
    assert browser.sign_in("tom").status_code == 303  # others are not touched
    with db.scope() as session:
        account = session.get_one(Account, _user_id("amira"))
        assert account.locked_until == locked_until  # what was tried during the pause did not make it longer
        account.locked_until = db.utcnow()
    assert visitor().sign_in("amira").status_code == 303
    assert (_account("amira").failed_tries, _account("amira").locked_until) == (0, None)


def test_a_success_gives_all_tries_back(house: House) -> None:
    for _ in range(2):
        for _ in range(9):
            assert sign_in.authenticate("amira", "wrong") is None
        assert sign_in.authenticate("amira", PASSWORD) == _user_id("amira")


def test_after_a_pause_there_are_ten_tries_again(house: House) -> None:
    with db.scope() as session:
        account = session.get_one(Account, _user_id("amira"))
        account.failed_tries, account.locked_until = 14, db.utcnow()
    assert sign_in.authenticate("amira", "wrong") is None
    assert (_account("amira").failed_tries, _account("amira").locked_until) == (1, None)
    assert sign_in.authenticate("amira", PASSWORD) is not None


def test_every_failure_hashes_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that an answer takes tells nothing: each way hashes exactly one password."""
    hashed: list[str] = []
    real = sign_in.passwords.matches

    def counting(stored: str, password: str) -> bool:
        hashed.append(stored)
        return real(stored, password)

    monkeypatch.setattr(sign_in.passwords, "matches", counting)
    with db.scope() as session:
        session.get_one(Account, _user_id("tom")).locked_until = db.utcnow() + timedelta(minutes=5)
        session.scalars(select(User).where(User.username == "grace")).one().active = False
    for name in ("amira", "nobody", "tom", "grace", ""):
        hashed.clear()
        assert sign_in.authenticate(name, "wrong") is None
        assert len(hashed) == 1, name
        assert hashed[0].startswith("$argon2id$"), name


def test_addresses_that_fail_too_often_wait(app: Flask, house: House, visitor: Callable[[], Visitor]) -> None:
    house.settings.rate_limits = True
    limits.forget()
    browser = visitor()
    assert [browser.sign_in(f"guess{n}").status_code for n in range(31)] == [422] * 30 + [429]
    assert browser.sign_in("amira").status_code == 429
    elsewhere = visitor().post(
        "/login", {"username": "amira", "password": PASSWORD}, environ_overrides={"REMOTE_ADDR": "192.0.2.9"}
    )
    assert elsewhere.status_code == 303
    limits.forget()


def test_signing_in_often_is_no_attack(app: Flask, house: House, visitor: Callable[[], Visitor]) -> None:
    house.settings.rate_limits = True
    limits.forget()
    assert {visitor().sign_in("amira").status_code for _ in range(35)} == {303}


# --- the trail -----------------------------------------------------------------------------------------------------


def test_the_platforms_trail_tells_successes_and_failures_and_no_password(house: House) -> None:
    sign_in.authenticate("amira", "hunter2-hunter2")
    sign_in.authenticate("some-typed-secret", PASSWORD)
    sign_in.authenticate("amira", PASSWORD)
    amira = _user_id("amira")
    assert _trail() == [
        ("sign_in.failed", {"user_id": amira, "tries": 1}),
        ("sign_in.failed", {"account": "unknown"}),
        ("sign_in.succeeded", None),
    ]
    assert audit.verify_platform() == audit.VerifyResult(True, 3)


# --- making users --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "email", "password"),
    [
        ("amira", "new@x.example", PASSWORD),
        ("AMIRA ", "new@x.example", PASSWORD),
        ("new", "Amira@riverside.example.com", PASSWORD),
        ("amira@riverside.example.com", "new@x.example", PASSWORD),
        ("new", "new@x.example", "short"),
        ("new", "new@x.example", "x" * 257),
        ("", "new@x.example", PASSWORD),
    ],
)
def test_a_second_user_of_a_name_or_a_weak_password_is_refused(
    house: House, username: str, email: str, password: str
) -> None:
    with db.scope(), pytest.raises(users.UserRefused):
        users.create_user(username, email, "A", "B", password)


@pytest.mark.parametrize("role", ["operator", "king", ""])
def test_only_a_practices_roles_can_be_given_in_a_practice(house: House, role: str) -> None:
    with db.scope() as session, pytest.raises(users.UserRefused):
        users.add_membership(
            tenancy.find_by_slug("riverside"), session.get_one(User, _user_id("amira")), role
        )
