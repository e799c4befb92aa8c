"""Practices: make, find, enter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session

from core import db, i18n
from core.tenancy.models import Membership, Practice

# Made once: every request of staff asks it.
_MEMBERSHIPS: Final = (
    select(Practice, Membership.role)
    .join(Membership, Membership.practice_id == Practice.id)
    .where(Practice.status == "active", Membership.user_id == bindparam("user_id", type_=Integer))
    .order_by(Practice.name, Membership.role)
)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class UnknownPractice(LookupError):
    """No practice, or no active one, has this slug or id."""


def create_practice(slug: str, name: str, **fields: object) -> Practice:
    """Make a practice in the current scope. Raises ValueError for a slug that no URL could carry."""
    if not _SLUG.fullmatch(slug):
        raise ValueError("a slug has 1 to 40 of a-z, 0-9 and -, and neither begins nor ends with -")
    practice = Practice(slug=slug, name=name, **fields)
    db.session().add(practice)
    db.session().flush()
    return practice


def find_by_slug(slug: str) -> Practice:
    """The active practice with this slug. Raises UnknownPractice."""
    practice = db.session().scalar(select(Practice).where(Practice.slug == slug, Practice.status == "active"))
    if practice is None:
        raise UnknownPractice(f"No active practice has the slug {slug}.")
    return practice


def enter(practice: Practice) -> None:
    """Make this the practice of the current scope: its data, its time zone, its language."""
    db.enter_practice(practice.id)
    i18n.set_time_zone(practice.time_zone)
    i18n.set_language(practice.language)


def current() -> Practice:
    """The practice of the current scope. Raises db.NoPractice."""
    practice = db.session().get(Practice, db.practice_id())
    if practice is None:
        raise UnknownPractice(str(db.practice_id()))
    return practice


def held() -> Practice:
    """The practice of the current scope, read anew and held until the transaction ends: for whoever changes it.

    Its profile is one value for all that a practice chooses. Who puts something into it begins here, or takes away
    what somebody else put there meanwhile. Raises db.NoPractice.
    """
    session = db.session()
    session.flush()
    found = session.get(
        Practice, db.practice_id(), with_for_update={"key_share": True}, populate_existing=True
    )
    if found is None:
        raise UnknownPractice(str(db.practice_id()))
    return found


@contextmanager
def practice_scope(practice_id: UUID, *, write: bool = True, durable: bool = True) -> Iterator[Session]:
    """A scope for a practice, in its language and time zone: for the worker, the command line and tests."""
    with db.scope(practice_id, write=write, durable=durable) as session:
        practice = session.get(Practice, practice_id)
        if practice is None:
            raise UnknownPractice(str(practice_id))
        with i18n.use_language(practice.language), i18n.use_time_zone(practice.time_zone):
            yield session


def all_practice_ids() -> list[UUID]:
    """Every active practice, for sweeps; in the order they were made."""
    return list(
        db.session().scalars(select(Practice.id).where(Practice.status == "active").order_by(Practice.id))
    )


def practices_of(user_id: int) -> list[Practice]:
    """The active practices in which this user has a role, by name."""
    return list(
        db.session().scalars(
            select(Practice)
            .where(Practice.id.in_(select(Membership.practice_id).where(Membership.user_id == user_id)))
            .where(Practice.status == "active")
            .order_by(Practice.name)
        )
    )


def memberships_of(user_id: int) -> dict[Practice, list[str]]:
    """The active practices in which this user has a role, by name, each with the roles, sorted. One query."""
    found: dict[Practice, list[str]] = {}
    for practice, role in db.session().execute(_MEMBERSHIPS, {"user_id": user_id}):
        found.setdefault(practice, []).append(role)
    return found
