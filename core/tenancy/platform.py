"""Practices as the operator sees them: all of them, in whatever state, and what each country begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

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


def every() -> list[Practice]:
    """All practices, also those that are suspended, by name."""
    return list(db.session().scalars(select(Practice).order_by(Practice.name, Practice.id)))


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
