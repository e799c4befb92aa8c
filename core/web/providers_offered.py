"""Which practices' own sign-ins a page offers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from core import db, tenancy
from core.security import oidc, sessions


def install(app: Flask) -> None:
    """Give templates ``provider_of(slug)``, and ``provider_of_session()`` for pages that ask who somebody is."""
    app.jinja_env.globals.update(provider_of=of_slug, provider_of_session=of_session)


@dataclass(frozen=True, slots=True)
class Offered:
    """A practice's provider as a page offers it. linked: is this person's account linked?"""

    slug: str
    practice: str
    title: str
    linked: bool = False


def of_slug(slug: str) -> Offered | None:
    """The provider of a practice, for its sign-in page; None where there is none. In read-only scopes of its own."""
    with db.scope(write=False):
        try:
            practice = tenancy.find_by_slug(slug)
        except tenancy.UnknownPractice:
            return None
    with db.scope(practice.id, write=False):
        row = oidc.configured()
        return Offered(slug, practice.name, row.title) if row is not None and row.enabled else None


def of_session() -> Offered | None:
    """The provider that let this browser in, while its practice uses it; None for whom a password let in."""
    row = sessions.current()
    if row is None or row.only_practice is None:
        return None
    with db.scope(row.only_practice, write=False):
        found, practice = oidc.configured(), tenancy.current()
        return (
            Offered(practice.slug, practice.name, found.title)
            if found is not None and found.enabled
            else None
        )


def of_user(user_id: int) -> list[Offered]:
    """The providers of the practices in which somebody works."""
    found = []
    for practice in tenancy.practices_of(user_id):
        with db.scope(practice.id, write=False):
            row = oidc.configured()
            if row is not None and row.enabled:
                found.append(Offered(practice.slug, practice.name, row.title, bool(oidc.links_of(user_id))))
    return found
