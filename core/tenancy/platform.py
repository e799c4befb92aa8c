"""What an operator does with practices: make one with the settings of its country, suspend it, resume it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core import audit, db
from core.i18n import LazyString, _l
from core.tenancy.models import Membership, Practice
from core.tenancy.service import UnknownPractice, create_practice, practice_scope

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"


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


def create(slug: str, name: str, country: str) -> UUID:
    """Make a practice with its country's preset, in a scope of its own. Raises KeyError, ValueError."""
    preset = PRESETS[country]
    with db.scope():
        made = create_practice(
            slug, name, country=preset.country, language=preset.language, time_zone=preset.time_zone
        )
        audit.record_platform(
            "practice.created", subject=("core.practice", made.id), detail={"country": country}
        )
        return made.id


def set_status(practice_id: UUID, status: str) -> bool:
    """Suspend or resume, on the platform's trail and on the practice's; False when it is so already.

    Opens a scope of its own. Raises UnknownPractice.
    """
    action = "practice.suspended" if status == SUSPENDED else "practice.resumed"
    with practice_scope(practice_id):
        practice = find(practice_id)
        if practice.status == status:
            return False
        practice.status = status
        audit.record_platform(action, subject=("core.practice", practice_id))
        audit.record(action, subject=("core.practice", practice_id))
    return True


def suspended_of(user_id: int, slug: str) -> Practice | None:
    """The suspended practice with this slug in which this user has a role: they are told so, strangers are not."""
    return db.session().scalar(
        select(Practice)
        .join(Membership, Membership.practice_id == Practice.id)
        .where(Practice.slug == slug, Practice.status == SUSPENDED, Membership.user_id == user_id)
        .limit(1)
    )
