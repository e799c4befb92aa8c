"""A provider that is away; and what becomes of a browser that it let in: unlocked by it, signed out there, too."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from core import audit, db
from core.audit import Actor
from core.audit.models import PlatformAuditEntry
from core.security import invitations, oidc, oidc_network
from core.security.models import LinkedIdentity
from tests.support import oidc as providers
from tests.support.house import House, Visitor
from tests.support.oidc import CLIENT_ID, Provider
from tests.support.oidc_visits import GUEST, go, invite, is_in, link_amira, way_back

Visit = Callable[[], Visitor]


def test_a_provider_that_is_down_or_slow_keeps_nobody_from_their_password(
    house: House, provider: Provider, visitor: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_amira(house, provider)
    monkeypatch.setattr(oidc_network, "_TIMEOUT", 0.3)
    with providers.silent() as (closed, mute):
        for issuer in (closed, mute):
            with house.at(house.riverside):
                oidc.configure("CIS2", issuer, CLIENT_ID, "", "email", enabled=True)
            browser = visitor()
            began = time.monotonic()
            answer = browser.get("/login/provider/riverside")
            assert time.monotonic() - began < 5
            assert answer.status_code == 502
            assert "use your password" in answer.get_data(as_text=True)
            assert browser.sign_in("amira").status_code == 303
            assert is_in(browser)


# --- unlocking, signing out ------------------------------------------------------------------------------------------


@pytest.fixture
def guest(house: House, provider: Provider, visitor: Visit) -> Visitor:
    """Somebody whom the provider let in and who has no password, at a locked browser."""
    invite(house)
    browser = visitor()
    assert go(browser, provider).status_code == 303
    assert browser.post("/session/lock").status_code == 204
    return browser


UNLOCK = "/session/unlock/provider?next=/p/riverside/patients"


def is_locked(browser: Visitor) -> bool:
    return bool(browser.get("/session/state").get_json()["locked"])


@pytest.mark.both_databases
def test_who_has_no_password_unlocks_with_the_provider(
    house: House, provider: Provider, guest: Visitor
) -> None:
    page = guest.get("/session/locked").get_data(as_text=True)
    assert "Unlock with CIS2" in page
    asked = parse_qs(urlsplit(guest.get(UNLOCK).location).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"]), "being signed in there is not enough"
    assert is_locked(guest)
    assert go(guest, provider, UNLOCK).location == "/p/riverside/patients"
    assert is_in(guest)
    assert guest.get("/account").status_code == 404, "and nothing beyond the practice"
    assert "Careroom is unlocked" in guest.get("/session/unlocked").get_data(as_text=True)
    with db.scope(write=False) as session:
        entries = session.scalars(select(PlatformAuditEntry).order_by(PlatformAuditEntry.seq.desc())).first()
    assert entries is not None
    assert (entries.action, entries.actor_kind) == ("session.unlocked", "staff")


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"sub": "sub-2"}, "not the account that is signed in here"),
        ({"auth_time": 1_000_000}, "did not ask again who you are"),
        ({"auth_time": None}, "did not ask again who you are"),
        ({"auth_time": "now"}, "did not ask again who you are"),
    ],
)
def test_nobody_else_unlocks_and_nobody_who_was_not_asked(
    provider: Provider, guest: Visitor, claims: dict[str, Any], says: str
) -> None:
    provider.claims.update(claims)
    answer = go(guest, provider, UNLOCK)
    assert answer.status_code == 403
    assert says in html.unescape(answer.get_data(as_text=True))
    assert is_locked(guest)


def test_a_way_back_that_was_not_begun_here_unlocks_nothing(
    house: House, provider: Provider, guest: Visitor, visitor: Visit
) -> None:
    """An answer to a sign-in, or to somebody else's unlocking, is none to this one."""
    back = way_back(guest, provider, UNLOCK)
    assert visitor().get(back).status_code == 400
    other = visitor()
    other.sign_in("amira")
    assert other.get("/session/unlock/provider").status_code == 404, "a password let her in"
    assert "Unlock with" not in other.get("/p/riverside/patients").get_data(as_text=True)
    assert is_locked(guest)
    plain = way_back(guest, provider, "/login/provider/riverside")
    assert guest.get(plain).status_code == 303, "signing in anew is possible, with a new session"
    assert is_in(guest)


@pytest.mark.both_databases
def test_an_administrator_whom_the_provider_let_in_is_asked_by_it(
    house: House, provider: Provider, visitor: Visit
) -> None:
    """Where a proof is asked for; being signed in there is none, and it counts in this practice alone."""
    with house.at(house.riverside), audit.use_actor(Actor("staff", "4", "Helen Price")):
        invitations.invite(GUEST, "Sam", "Taylor", "practice_admin")
    browser = visitor()
    go(browser, provider)
    exports = "/p/riverside/admin/exports"
    for page, back in ((f"{exports}/practice", f"{exports}/practice"), (f"{exports}/patients.csv", exports)):
        asked = browser.get(page)
        assert asked.status_code == 200
        assert "Going on to CIS2" in asked.get_data(as_text=True)
        assert f'href="/session/unlock/provider?next={back}"' in asked.get_data(as_text=True)
    assert go(browser, provider, f"/session/unlock/provider?next={exports}").location == exports
    assert "Okafor" in browser.get(f"{exports}/patients.csv").get_data(as_text=True)
    assert "Going on" not in browser.get(f"{exports}/practice").get_data(as_text=True)
    assert browser.get("/account").status_code == 404
    with db.scope(write=False) as session:
        told = session.scalars(select(PlatformAuditEntry.action)).all()
    assert "session.unlocked" not in told, "it was not locked"


@pytest.mark.both_databases
@pytest.mark.parametrize("how", ["removed", "off", "unlinked"])
def test_what_a_provider_opened_ends_with_it(
    house: House, provider: Provider, visitor: Visit, how: str
) -> None:
    link_amira(house, provider)
    there, by_password, tom = visitor(), visitor(), visitor()
    go(there, provider)
    by_password.sign_in("amira")
    tom.sign_in("tom")
    assert is_in(there)
    with house.at(house.riverside) as session:
        if how == "removed":
            oidc.remove()
        elif how == "off":
            oidc.configure("CIS2", provider.issuer, CLIENT_ID, "", "email", enabled=False)
        else:
            oidc.unlink(session.scalars(select(LinkedIdentity.user_id)).one())
    assert not is_in(there)
    assert is_in(by_password)
    assert is_in(tom)


def test_signing_out_here_leads_to_signing_out_there(
    house: House, provider: Provider, visitor: Visit
) -> None:
    link_amira(house, provider)
    provider.ends_sessions = True
    browser = visitor()
    go(browser, provider)
    page = html.unescape(browser.post("/logout").get_data(as_text=True))
    assert f"{provider.issuer}/logout?client_id={CLIENT_ID}&post_logout_redirect_uri=http" in page
    assert not is_in(browser)
    with_password = visitor()
    with_password.sign_in("amira")
    assert with_password.post("/logout").location == "/login", "the provider has nothing to do with it"


def test_signing_out_works_while_the_provider_is_away(
    house: House, provider: Provider, visitor: Visit
) -> None:
    link_amira(house, provider)
    browser = visitor()
    go(browser, provider)
    provider.fails = "/.well-known/openid-configuration"
    oidc_network.forget()
    assert browser.post("/logout").location == "/login?practice=riverside"
    assert not is_in(browser)
