"""What an operator does with practices: make one with the settings of its country, suspend it, let it go on.

Each opens a scope of its own and is on the platform's trail.
"""

from __future__ import annotations

from uuid import UUID

from core import audit, db, notifications, tenancy
from core.security import invitations
from core.tenancy import PRACTICE_ADMIN, platform


class PracticeErased(ValueError):
    """Nothing is left of this practice that could be suspended or go on."""


def create(slug: str, name: str, country: str, *, email: str, given_names: str, family_name: str) -> UUID:
    """Make a practice with its country's preset and invite its first administrator: both, or neither.

    Raises KeyError, ValueError, invitations.InvitationRefused.
    """
    preset = platform.PRESETS[country]
    with db.scope():
        made = tenancy.create_practice(
            slug, name, country=preset.country, language=preset.language, time_zone=preset.time_zone
        )
        audit.record_platform(
            "practice.created", subject=("core.practice", made.id), detail={"country": country}
        )
        db.enter_practice(made.id)
        invitations.invite(email, given_names, family_name, PRACTICE_ADMIN)
        return made.id


def set_status(practice_id: UUID, status: str) -> bool:
    """Suspend or resume, on the platform's trail and on the practice's; False when it is so already.

    Raises UnknownPractice, PracticeErased.
    """
    action = "practice.suspended" if status == platform.SUSPENDED else "practice.resumed"
    with tenancy.practice_scope(practice_id):
        practice = tenancy.held()
        if practice.status == platform.ERASED:
            raise PracticeErased(str(practice_id))
        if practice.status == status:
            return False
        practice.status = status
        if status == platform.ACTIVE:
            notifications.let_go()
        audit.record_platform(action, subject=("core.practice", practice_id))
        audit.record(action, subject=("core.practice", practice_id))
    return True
