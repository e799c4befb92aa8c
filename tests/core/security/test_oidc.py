"""OpenID Connect against a real provider on this machine: who comes in, who is linked, and wrong tokens."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from core import db, tenancy
from core.demo import PASSWORD
from core.notifications import Notification
from core.security import invitations, permissions, sessions, users
from core.security.models import IdentityProvider, LinkedIdentity, SignInSession
from tests.support.house import House, Visitor
from tests.support.oidc import CLIENT_SECRET, Provider
from tests.support.oidc_visits import GUEST, go, invite, is_in

Visit = Callable[[], Visitor]


def go_to_link(browser: Visitor, provider: Provider) -> Any:
    """The same from the account's page: a form, and a page that goes on by itself."""
    page = browser.post("/account/identity/riverside/link")
    assert page.status_code == 200
    address = re.search(r'content="0; url=([^"]+)"', page.get_data(as_text=True))
    assert address is not None
    url = html.unescape(address[1])
    assert url.startswith(provider.issuer + "/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    return browser.get(provider.authorize(asked).removeprefix("http://127.0.0.1:8000"))


# --- coming in -----------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_an_invited_address_that_the_provider_verified_makes_the_account(
    house: House, provider: Provider, visitor: Visit
) -> None:
    assert "Sign in with CIS2" in visitor().get("/login?practice=riverside").get_data(as_text=True)
    assert "Sign in with CIS2" not in visitor().get("/login?practice=lumiere").get_data(as_text=True)
    stranger = visitor()
    assert go(stranger, provider).status_code == 403
    assert not is_in(stranger)
    invite(house)
    browser = visitor()
    assert go(browser, provider).location == "/p/riverside/"
    assert is_in(browser)
    again = visitor()
    assert go(again, provider, "/login/provider/riverside?next=/p/riverside/patients").location == (
        "/p/riverside/patients"
    )
    with db.scope(write=False) as session:
        assert session.scalars(select(User.first_name).where(User.email == GUEST)).all() == ["Sam"]
        assert set(session.scalars(select(SignInSession.only_practice))) == {house.riverside}


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email_verified": "true"}, {"email": None}])
def test_an_address_that_nobody_verified_opens_no_invitation(
    house: House, provider: Provider, visitor: Visit, claims: dict[str, Any]
) -> None:
    invite(house)
    provider.claims.update(claims)
    browser = visitor()
    assert go(browser, provider).status_code == 403
    assert not is_in(browser)


def test_a_practices_provider_opens_no_other_practice_and_no_account(
    house: House, provider: Provider, visitor: Visit
) -> None:
    """Whoever runs Riverside's provider may say "two hats": that gives Riverside's part of them, and no more."""
    joined_by_both(house, "clinician")
    identity(house, provider)
    browser = visitor()
    assert go(browser, provider).status_code == 303
    assert is_in(browser)
    assert browser.get("/p/lumiere/patients").status_code == 404
    assert browser.get("/").location == "/p/riverside/"
    for path in ("/account", "/account/codes", "/account/confirm", "/account/second-factor"):
        assert browser.get(path).status_code == 404, path
    for path in ("passkeys/question", "password", "name", "sessions/end", "codes/off", "confirm"):
        assert browser.post(f"/account/{path}").status_code == 404, path
    for path in ("link", "unlink"):
        assert browser.post(f"/account/identity/riverside/{path}").status_code == 404, path
    page = browser.get("/p/riverside/patients").get_data(as_text=True)
    assert 'href="/account"' not in page
    assert browser.post("/preferences", {"language": "fr", "theme": "dark", "next": "/"}).status_code == 303
    page = browser.get("/p/riverside/patients").get_data(as_text=True)
    assert 'lang="fr"' in page
    assert browser.get("/login").status_code == 200, "to sign in properly instead"
    assert browser.post("/logout").status_code == 303
    assert not is_in(browser)


def test_a_practices_provider_makes_nobody_the_platforms_operator(
    house: House, provider: Provider, visitor: Visit
) -> None:
    with db.scope():
        users.create_user("boss", "boss@hats.example", "Bo", "Ss", PASSWORD, is_operator=True)
    joined_by_both(house, "clinician", "boss")
    identity(house, provider, "boss")
    with_password = visitor()
    with_password.sign_in("boss")
    assert with_password.get("/operator").status_code == 200
    assert 'href="/operator' in with_password.get("/p/riverside/").get_data(as_text=True)
    browser = visitor()
    assert go(browser, provider).status_code == 303
    assert is_in(browser)
    assert browser.get("/operator").status_code == 404
    assert 'href="/operator' not in browser.get("/p/riverside/").get_data(as_text=True)


def test_the_platforms_role_does_not_count_in_a_practices_session(
    house: House, provider: Provider, visitor: Visit, app: Flask
) -> None:
    with db.scope():
        boss = users.create_user("boss", "boss@hats.example", "Bo", "Ss", PASSWORD, is_operator=True)
        boss_id = int(boss.id)
    for only, rights in ((None, True), (house.riverside, False)):
        with app.test_request_context("/"):
            sessions.begin(boss_id, "oidc", only_practice=only)
            with db.scope(write=False) as session:
                assert ("core.operate" in permissions.permissions_of(boss_id)) is rights
                held = session.scalars(select(Role.name).where(permissions.held_roles(boss_id))).all()
                assert ("operator" in held) is rights
            with house.at(house.riverside, write=False):
                assert ("core.operate" in permissions.permissions_of(boss_id)) is rights


@pytest.mark.both_databases
@pytest.mark.parametrize("who", ["claire@lumiere.example.com", "boss@hats.example", "amira.k@hats.example"])
def test_an_account_that_exists_is_not_opened_by_what_a_provider_says(
    house: House, provider: Provider, visitor: Visit, who: str
) -> None:
    """Not of another practice, not an operator's; and a user name that looks like the address is an account too."""
    with db.scope():
        users.create_user("boss", "boss@hats.example", "Bo", "Ss", PASSWORD, is_operator=True)
        users.create_user("amira.k@hats.example", "elsewhere@hats.example", "A", "K", PASSWORD)
    invite(house, who)
    provider.claims["email"] = who
    browser = visitor()
    answer = go(browser, provider)
    assert answer.status_code == 403
    assert "sign in with your password" in answer.get_data(as_text=True)
    assert not is_in(browser)
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(LinkedIdentity)).all() == []
        assert [one.email for one in invitations.pending()] == [who], "the invitation is still open"


def joined_by_both(house: House, role: str, username: str = "twohats") -> None:
    """Somebody who works in both practices."""
    with db.scope() as session:
        if session.scalar(select(User.id).where(User.username == username)) is None:
            users.create_user(username, f"{username}@hats.example", "Two", "Hats", PASSWORD)
        user = session.scalars(select(User).where(User.username == username)).one()
        for slug in ("riverside", "lumiere"):
            users.add_membership(tenancy.find_by_slug(slug), user, role)


def identity(house: House, provider: Provider, username: str = "twohats") -> None:
    """They have linked their account with Riverside's provider."""
    with house.at(house.riverside) as session:
        user_id = session.scalars(select(User.id).where(User.username == username)).one()
        session.add(LinkedIdentity(issuer=provider.issuer, subject="sub-1", user_id=user_id))


def test_who_left_the_practice_is_known_no_longer(house: House, provider: Provider, visitor: Visit) -> None:
    from core.tenancy import Membership

    invite(house)
    go(visitor(), provider)
    with db.scope() as session:
        user_id = session.scalars(select(User.id).where(User.email == GUEST)).one()
        for row in session.scalars(select(Membership).where(Membership.user_id == user_id)):
            session.delete(row)
    browser = visitor()
    assert go(browser, provider).status_code == 403
    assert not is_in(browser)


def test_an_account_is_linked_by_whoever_is_signed_in(
    house: House, provider: Provider, visitor: Visit
) -> None:
    amira = visitor()
    amira.sign_in("amira")
    assert amira.get("/account/identity/riverside/link").status_code == 405, "no other site can begin it"
    assert 'action="/account/identity/riverside/link"' in amira.get("/account").get_data(as_text=True)
    assert go_to_link(amira, provider).location == "/account"
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(Notification.subject)).all() == [
            "Your account was linked to your practice's sign-in"
        ]
    other = visitor()
    assert go(other, provider).location == "/p/riverside/"
    assert "Amira" in other.get("/p/riverside/").get_data(as_text=True)
    tom = visitor()
    tom.sign_in("tom")
    assert go_to_link(tom, provider).status_code == 409, "one identity, one account"
    assert amira.post("/account/identity/riverside/unlink").status_code == 303
    assert go(visitor(), provider).status_code == 403


# --- the settings --------------------------------------------------------------------------------------------------


def test_the_administrator_sets_the_provider_and_nobody_reads_its_secret(
    house: House, visitor: Visit, provider: Provider
) -> None:
    helen, amira = visitor(), visitor()
    helen.sign_in("helen")
    amira.sign_in("amira")
    path = "/p/riverside/admin/sign-in"
    assert amira.get(path).status_code == 403
    page = helen.get(path).get_data(as_text=True)
    assert provider.issuer in page
    assert CLIENT_SECRET not in page
    with house.at(house.riverside, write=False) as session:
        assert CLIENT_SECRET not in session.scalars(select(IdentityProvider.client_secret)).one()
    form = {
        "title": "PSC",
        "issuer": provider.issuer,
        "client_id": "x",
        "scopes": "openid",
        "client_secret": "",
    }
    for wrong in ({"issuer": "ftp://x"}, {"issuer": "https://"}, {"issuer": "https://x?y=1"}, {"title": " "}):
        assert helen.post(f"{path}/provider", {**form, **wrong}).status_code in (303, 422)
    assert helen.post(f"{path}/provider", {**form, "issuer": "https://x/?y=1"}).status_code == 422
    assert helen.post(f"{path}/provider", form).status_code == 303
    assert visitor().get("/login/provider/riverside").status_code == 404, "switched off"
    assert helen.post(f"{path}/provider", {"action": "remove"}).status_code == 303
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(IdentityProvider)).all() == []


def test_the_rules_are_set_there_too(house: House, visitor: Visit) -> None:
    helen = visitor()
    helen.sign_in("helen")
    path = "/p/riverside/admin/sign-in"
    assert helen.post(path, {"second_factor": "optional", "idle_minutes": "500"}).status_code == 422
    assert helen.post(path, {"second_factor": "optional", "idle_minutes": "30"}).status_code == 303
    assert 'data-idle="30"' in helen.get("/p/riverside/patients").get_data(as_text=True)
