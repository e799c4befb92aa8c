"""Codes from an app and recovery codes: set up, asked for, each good once, counted like passwords."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from core import db
from core.demo import PASSWORD
from core.notifications import Notification
from core.security import Account, rules, sealing, totp
from core.security.models import Passkey, SignInSession
from tests.support.forms import forms_of
from tests.support.house import House, Visitor

Visit = Callable[[], Visitor]


def user_id(username: str) -> int:
    with db.scope(write=False) as session:
        return session.scalars(select(User.id).where(User.username == username)).one()


def with_codes(username: str) -> tuple[pyotp.TOTP, list[str]]:
    """Switch codes on for somebody; their app and recovery codes."""
    who = user_id(username)
    with db.scope():
        app = pyotp.TOTP(totp.waiting_secret(who))
    with db.scope():
        codes = totp.confirm(who, app.at(db.utcnow() - timedelta(seconds=30)))
    assert codes is not None
    return app, codes


def mails(house: House, username: str) -> list[str]:
    with house.at(house.riverside, write=False) as session:
        found = session.scalars(
            select(Notification)
            .where(Notification.recipient == f"{username}@riverside.example.com")
            .order_by(Notification.created_at)
        )
        return [row.subject or "" for row in found]


def _secret_on(page: str) -> str:
    """The secret that the page shows to be typed into an app."""
    (secret,) = re.findall(r'account-secret">([A-Z2-7 ]+)<', page)
    return str(secret).replace(" ", "")


def is_in(browser: Visitor) -> bool:
    return bool(browser.get("/account").status_code == 200)


def test_codes_are_set_up_on_the_page_and_asked_for_afterwards(house: House, visitor: Visit) -> None:
    browser = visitor()
    browser.sign_in("amira")
    page = browser.get("/account/codes").get_data(as_text=True)
    assert "<svg" in page
    secret = _secret_on(page)
    app = pyotp.TOTP(secret)
    refused = browser.post("/account/codes", {"code": "000000"})
    assert (refused.status_code, secret[:4] in refused.get_data(as_text=True)) == (422, True)
    shown = browser.post("/account/codes", {"code": app.at(db.utcnow() - timedelta(seconds=30))})
    recovery = re.findall(r"<code>([a-z2-7-]{19})</code>", shown.get_data(as_text=True))
    assert len(set(recovery)) == 10
    assert "Sign-in by code was switched on" in mails(house, "amira")

    again = visitor()
    assert again.sign_in("amira").location == "/login/second-step"
    assert not is_in(again)
    assert again.post("/login/second-step", {"code": "123 456"}).status_code == 422
    assert again.post("/login/second-step", {"code": app.now()}).location == "/"
    assert is_in(again)

    by_recovery = visitor()
    by_recovery.sign_in("amira")
    assert by_recovery.post("/login/second-step", {"code": recovery[3].upper()}).status_code == 303
    assert "9 left" in by_recovery.get("/account", follow_redirects=True).get_data(as_text=True)
    used_up = visitor()
    used_up.sign_in("amira")
    assert used_up.post("/login/second-step", {"code": recovery[3]}).status_code == 422


def test_the_second_step_needs_the_password_first_and_not_long_ago(
    house: House, visitor: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _codes = with_codes("amira")
    assert visitor().get("/login/second-step").location == "/login"
    assert visitor().post("/login/second-step", {"code": app.now()}).location == "/login"
    browser = visitor()
    browser.sign_in("amira")
    from core.security import second_step

    now = second_step.time.time()
    monkeypatch.setattr(second_step.time, "time", lambda: now + 601)
    assert browser.post("/login/second-step", {"code": app.now()}).location == "/login"
    assert not is_in(browser)


@pytest.mark.both_databases
def test_a_code_is_good_once_and_for_a_minute_around_its_time(
    house: House, later: Callable[[float], None]
) -> None:
    app, _codes = with_codes("amira")
    who, now = user_id("amira"), db.utcnow()
    with db.scope():
        assert not totp.verify(who, app.at(now - timedelta(seconds=30))), "taken when it was set up"
        assert not totp.verify(who, app.at(now + timedelta(seconds=90)))
        assert totp.verify(who, app.at(now))
        assert not totp.verify(who, app.at(now))
    later(300)
    with db.scope():
        assert not totp.verify(who, app.at(now))
        assert totp.verify(who, app.at(now + timedelta(seconds=300)))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """``later(60)``: a minute has passed for everything that asks core.db for the time."""
    real, start = db.utcnow, db.utcnow()
    moved = [0.0]
    monkeypatch.setattr(db, "utcnow", lambda: start + timedelta(seconds=moved[0]) + (real() - start) * 0)

    def go(seconds: float) -> None:
        moved[0] += seconds

    return go


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "12a456", "💊" * 6, "1" * 500])
def test_what_is_no_code_is_wrong_and_nothing_breaks(house: House, code: str) -> None:
    with_codes("amira")
    with db.scope():
        assert not totp.verify(user_id("amira"), code)
        assert not totp.use_recovery_code(user_id("amira"), code)


@pytest.mark.both_databases
def test_wrong_codes_count_like_wrong_passwords_and_the_password_gives_no_try_back(
    house: House, visitor: Visit
) -> None:
    app, _codes = with_codes("amira")
    for _round in range(5):
        browser = visitor()
        assert browser.sign_in("amira").location == "/login/second-step"
        for _try in range(2):
            assert browser.post("/login/second-step", {"code": "000000"}).status_code == 422
    assert browser.post("/login/second-step", {"code": app.now()}).status_code == 422, "paused by now"
    assert visitor().sign_in("amira").status_code == 422
    assert "paused" in mails(house, "amira")[-1]


def test_the_secret_is_sealed_and_bound_to_its_account(house: House) -> None:
    app, _codes = with_codes("amira")
    with db.scope(write=False) as session:
        stored = session.get_one(Account, user_id("amira")).totp_secret or ""
    assert app.secret not in stored
    assert sealing.unseal(stored, user_id("amira"), "totp") == app.secret
    for other in ((user_id("tom"), "totp"), (user_id("amira"), "other")):
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(stored, *other)


def test_under_an_old_master_key_codes_go_on_and_move_to_the_new_one(house: House) -> None:
    from pydantic import SecretStr

    app, _codes = with_codes("amira")
    old = house.settings.master_key
    house.settings.master_key = SecretStr("B" * 43)
    with db.scope():
        assert not totp.verify(user_id("amira"), app.now())
    house.settings.old_master_keys = old
    with db.scope():
        assert totp.verify(user_id("amira"), app.now())
    house.settings.old_master_keys = SecretStr("")
    with db.scope(write=False) as session:
        stored = session.get_one(Account, user_id("amira")).totp_secret or ""
    assert sealing.unseal(stored, user_id("amira"), "totp") == app.secret


def test_what_changes_the_sign_in_asks_who_it_is(house: House, visitor: Visit) -> None:
    browser = visitor()
    browser.sign_in("amira")
    with db.scope() as session:
        session.scalars(select(SignInSession)).one().proven_at = db.utcnow() - timedelta(minutes=16)
    asked = browser.get("/account/codes")
    assert asked.location == "/account/confirm?next=/account/codes"
    assert (
        browser.post("/account/confirm", {"password": "wrong", "next": "/account/codes"}).status_code == 422
    )
    assert browser.post("/account/confirm", {"password": PASSWORD, "next": "/account/codes"}).location == (
        "/account/codes"
    )
    assert browser.get("/account/codes").status_code == 200


def test_switching_codes_off_is_told_and_ends_the_recovery_codes(house: House, visitor: Visit) -> None:
    browser = visitor()
    browser.sign_in("amira")
    _app, codes = with_codes("amira")
    assert browser.post("/account/codes/off").status_code == 303
    assert mails(house, "amira")[-1] == "Sign-in by code was switched off"
    with db.scope():
        assert not totp.use_recovery_code(user_id("amira"), codes[0])
    assert visitor().sign_in("amira").location == "/"


def test_a_passkey_gets_another_name_from_whose_it_is_alone(house: House, visitor: Visit) -> None:
    browser = visitor()
    browser.sign_in("amira")
    with db.scope() as session:
        keys = [
            Passkey(user_id=user_id(name), credential_id=f"id-{name}", public_key=b"x", name="Passkey")
            for name in ("amira", "tom")
        ]
        session.add_all(keys)
        session.flush()
        own, foreign = (key.id for key in keys)
    page = browser.get("/account").get_data(as_text=True)
    (form,) = [one for one in forms_of(page) if one.action == f"/account/passkeys/{own}/name"]
    assert form.value("name") == "Passkey"
    browser.post(form.action, form.data(name="  My   phone <b> "))
    page = browser.get("/account").get_data(as_text=True)
    assert "My phone &lt;b&gt;</span>" in page
    browser.post(form.action, form.data(name=" "))
    page = browser.get("/account").get_data(as_text=True)
    assert ("Enter a name for the passkey." in page, "My phone &lt;b&gt;</span>" in page) == (True, True)
    assert browser.post(f"/account/passkeys/{foreign}/name", {"name": "Mine"}).status_code == 404


# --- a practice that asks for it -----------------------------------------------------------------------------------


def test_a_practice_can_ask_everybody_for_a_second_factor(house: House, visitor: Visit) -> None:
    with house.at(house.riverside):
        rules.save({"second_factor": "required"})
    browser = visitor()
    browser.sign_in("amira")
    asked = browser.get("/p/riverside/patients")
    assert asked.location == "/account/second-factor?next=/p/riverside/patients"
    assert browser.post("/p/riverside/patients", {"q": "Whit"}).status_code == 409
    assert "Codes from an app" in browser.get(asked.location).get_data(as_text=True)
    page = browser.get("/account/codes").get_data(as_text=True)
    secret = _secret_on(page)
    done = browser.post("/account/codes", {"code": pyotp.TOTP(secret).now()})
    assert 'href="/p/riverside/' in done.get_data(as_text=True), "and leads to where they were going"
    assert browser.get("/p/riverside/patients").status_code == 200
    elsewhere = visitor()
    elsewhere.sign_in("claire")
    assert elsewhere.get("/p/lumiere/patients").status_code == 200, "another practice asks for nothing"
    assert browser.post("/account/codes/off").status_code == 303
    again = browser.get("/p/riverside/patients")
    assert again.location == "/account/second-factor?next=/p/riverside/patients", "the last factor is gone"


def test_the_last_passkey_gone_a_factor_is_asked_for_again(house: House, visitor: Visit) -> None:
    who = user_id("amira")
    browser = visitor()
    browser.sign_in("amira")
    with db.scope() as session:
        keys = [
            Passkey(user_id=who, credential_id=f"id-{number}", public_key=b"x", name="Key")
            for number in range(2)
        ]
        session.add_all(keys)
        session.flush()
        ids = [key.id for key in keys]
    with db.scope() as session:
        session.execute(update(SignInSession).values(method="passkey"))
    with house.at(house.riverside):
        rules.save({"second_factor": "required"})
    assert browser.post(f"/account/passkeys/{ids[0]}/remove").status_code == 303
    assert browser.get("/p/riverside/patients").status_code == 200, "one is left"
    assert browser.post(f"/account/passkeys/{ids[1]}/remove").status_code == 303
    assert browser.get("/p/riverside/patients").location.startswith("/account/second-factor")


def set_up_codes(browser: Visitor) -> str:
    """On the page, as a person does; the page that answers."""
    page = browser.get("/account/codes").get_data(as_text=True)
    secret = _secret_on(page)
    done = browser.post("/account/codes", {"code": pyotp.TOTP(secret).now()})
    assert done.status_code == 200
    return str(done.get_data(as_text=True))


def test_the_first_factor_signs_out_who_came_in_with_the_password_alone(house: House, visitor: Visit) -> None:
    with house.at(house.riverside):
        rules.save({"second_factor": "required"})
    thief, desk, colleague = visitor(), visitor(), visitor()
    thief.sign_in("amira")
    desk.sign_in("amira")
    colleague.sign_in("tom")
    assert thief.get("/p/riverside/patients").location.startswith("/account/second-factor")
    assert "1 other device is signed out." in set_up_codes(desk)
    assert desk.get("/p/riverside/patients").status_code == 200
    assert not is_in(thief)
    assert thief.get("/p/riverside/patients").location.startswith("/login?next=")
    assert is_in(colleague)


def test_the_next_factor_signs_nobody_out(house: House, visitor: Visit) -> None:
    app, codes = with_codes("amira")
    by_code, by_recovery = visitor(), visitor()
    for browser, code in ((by_code, app.now()), (by_recovery, codes[0])):
        browser.sign_in("amira")
        assert browser.post("/login/second-step", {"code": code}).status_code == 303
    with db.scope() as session:
        session.add(Passkey(user_id=user_id("amira"), credential_id="id", public_key=b"x", name="Key"))
    assert by_code.post("/account/codes/off").status_code == 303
    set_up_codes(by_code)
    assert is_in(by_recovery)


@pytest.mark.parametrize("place", ["/p/riverside/patients", "/operator"])
def test_a_session_that_showed_no_factor_is_sent_to_the_second_step(
    house: House, visitor: Visit, olga: Visitor, place: str
) -> None:
    """Wherever such a session comes from: it is no longer enough that the person has a factor."""
    with house.at(house.riverside):
        rules.save({"second_factor": "required"})
    house.settings.console_second_factor = "required"
    who, browser = ("olga", olga) if place == "/operator" else ("amira", visitor())
    browser.sign_in(who)
    app, _codes = with_codes(who)
    asked = browser.get(place)
    assert asked.location == "/login/second-step"
    assert browser.post(place, {}).status_code in (405, 409)
    page = browser.get(asked.location).get_data(as_text=True)
    assert ("Code" in page, "Sign out" in page) == (True, True)
    assert browser.post("/login/second-step", {"code": "000000"}).status_code == 422
    assert browser.get(place).location == asked.location
    sent = {"code": app.now(), "csrf_token": forms_of(page)[0].value("csrf_token")}
    assert browser.client.post(asked.location, data=sent).location == place
    assert browser.get(place).status_code == 200
    with db.scope(write=False) as session:
        rows = session.scalars(select(SignInSession).where(SignInSession.user_id == user_id(who))).all()
    assert sorted((row.method, row.ended_at is None) for row in rows) == (
        [("password", False)] * len(rows[1:]) + [("totp", True)]
    )
