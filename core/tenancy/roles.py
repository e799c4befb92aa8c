"""The roles that a practice starts with."""

from __future__ import annotations

from typing import Final, Literal

Role = Literal["operator", "practice_admin", "clinician", "receptionist"]

OPERATOR: Final = "operator"
PRACTICE_ADMIN: Final = "practice_admin"
CLINICIAN: Final = "clinician"
RECEPTIONIST: Final = "receptionist"

ROLES: Final[tuple[Role, ...]] = (OPERATOR, PRACTICE_ADMIN, CLINICIAN, RECEPTIONIST)
