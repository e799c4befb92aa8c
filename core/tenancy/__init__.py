"""Practices, memberships and roles, and which practice the current work is for."""

from core.tenancy import switches
from core.tenancy.models import Membership, Practice
from core.tenancy.roles import CLINICIAN, OPERATOR, PRACTICE_ADMIN, RECEPTIONIST, ROLES, Role
from core.tenancy.service import (
    UnknownPractice,
    all_practice_ids,
    create_practice,
    current,
    enter,
    find_by_slug,
    held,
    memberships_of,
    practice_scope,
    practices_of,
)

__all__ = [
    "CLINICIAN",
    "OPERATOR",
    "PRACTICE_ADMIN",
    "RECEPTIONIST",
    "ROLES",
    "Membership",
    "Practice",
    "Role",
    "UnknownPractice",
    "all_practice_ids",
    "create_practice",
    "current",
    "enter",
    "find_by_slug",
    "held",
    "memberships_of",
    "practice_scope",
    "practices_of",
    "switches",
]
