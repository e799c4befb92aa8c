"""Which practices' own sign-ins a page offers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from core import db, tenancy
from core.security import oidc


def install(app: Flask) -> None:
    """Give templates ``provider_of(slug)``."""
    app.jinja_env.globals["provider_of"] = of_slug


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


def of_user(user_id: int) -> list[Offered]:
    """The providers of the practices in which somebody works."""
    found = []
    for practice in tenancy.practices_of(user_id):
        with db.scope(practice.id, write=False):
            row = oidc.configured()
            if row is not None and row.enabled:
                found.append(Offered(practice.slug, practice.name, row.title, bool(oidc.links_of(user_id))))
    return found
