"""Practices as the operator sees them: all of them, in whatever state, and what each country begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from core import db
from core.i18n import LazyString, _l
from core.tenancy.models import Membership, Practice
from core.tenancy.service import UnknownPractice

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
ERASED: Final = "erased"


@dataclass(frozen=True, slots=True)
class Preset:
    """What practices of a country begin with; each can change it."""

    country: str
    title: LazyString
    language: str
    time_zone: str


PRESETS: Final = {
    preset.country: preset
    for preset in (
        Preset("GB", _l("United Kingdom"), "en-GB", "Europe/London"),
        Preset("FR", _l("France"), "fr-FR", "Europe/Paris"),
    )
}


Status = Literal["active", "suspended", "erased"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
Order = Literal["name", "newest", "oldest"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)


def search(
    words: str = "", status: str = "", *, order: str = "name", limit: int, offset: int = 0
) -> list[Practice]:
    """Practices in whatever state whose name, or whose slug, holds each of the words; of one status, if given."""
    by: dict[str, tuple[ColumnElement[Any], ...]] = {
        "newest": (Practice.created_at.desc(), Practice.id.desc()),
        "oldest": (Practice.created_at.asc(), Practice.id.asc()),
    }
    chosen = select(Practice).where(*fits(words, status))
    chosen = chosen.order_by(*by.get(order, (func.lower(Practice.name).asc(), Practice.id.asc())))
    return list(db.session().scalars(chosen.limit(limit).offset(offset)))


def count(words: str = "", status: str = "") -> int:
    """How many there are of them."""
    return db.session().scalar(select(func.count(Practice.id)).where(*fits(words, status))) or 0


def fits(words: str, status: str = "") -> list[ColumnElement[bool]]:
    """The conditions for them, for queries over more than practices."""
    name, slug = func.lower(Practice.name), Practice.slug
    fits: list[ColumnElement[bool]] = [
        name.contains(word.lower(), autoescape=True) | slug.contains(word.lower(), autoescape=True)
        for word in words.split()[:8]
    ]
    return [*fits, Practice.status == status] if status else fits


def find(practice_id: UUID) -> Practice:
    """A practice in whatever state. Raises UnknownPractice."""
    found = db.session().get(Practice, practice_id)
    if found is None:
        raise UnknownPractice(str(practice_id))
    return found


def is_taken(slug: str) -> bool:
    """Has a practice this slug, in whatever state?"""
    return db.session().scalar(select(Practice.id).where(Practice.slug == slug)) is not None


def suspended_of(user_id: int, slug: str) -> Practice | None:
    """The suspended practice with this slug in which this user has a role: they are told so, strangers are not."""
    return db.session().scalar(
        select(Practice)
        .join(Membership, Membership.practice_id == Practice.id)
        .where(Practice.slug == slug, Practice.status == SUSPENDED, Membership.user_id == user_id)
        .limit(1)
    )
