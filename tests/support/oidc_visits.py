"""A browser goes to Riverside's provider and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import audit
from core.audit import Actor
from core.security import invitations
from core.security.models import LinkedIdentity
from tests.support.house import House, Visitor
from tests.support.oidc import Provider

GUEST = "sam.taylor@example.com"


def way_back(browser: Visitor, provider: Provider, path: str) -> str:
    """The address that the provider sends this browser to when its person agrees."""
    sent = browser.get(path)
    assert sent.status_code == 302
    assert sent.location.startswith(provider.issuer + "/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.location).query).items()}
    return provider.authorize(asked).removeprefix("http://127.0.0.1:8000")


def go(browser: Visitor, provider: Provider, path: str = "/login/provider/riverside") -> Any:
    """Through the provider and back; the last answer."""
    return browser.get(way_back(browser, provider, path))


def is_in(browser: Visitor, slug: str = "riverside") -> bool:
    """Does a practice's list of patients open?"""
    return bool(browser.get(f"/p/{slug}/patients").status_code == 200)


def invite(house: House, email: str = GUEST) -> None:
    """Riverside invites somebody."""
    with house.at(house.riverside):
        invite_as_helen(email)


def invite_as_helen(email: str = GUEST) -> None:
    """The practice of the current scope invites somebody."""
    with audit.use_actor(Actor("staff", "4", "Helen Price")):
        invitations.invite(email, "Sam", "Taylor", "clinician")


def link_amira(house: House, provider: Provider) -> None:
    """Amira has linked her account with Riverside's provider."""
    with house.at(house.riverside) as session:
        amira = session.scalars(select(User.id).where(User.username == "amira")).one()
        session.add(LinkedIdentity(issuer=provider.issuer, subject="sub-1", user_id=amira))
