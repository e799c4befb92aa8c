"""The pages of a practice's administration, for the wiring of the web process."""

from __future__ import annotations

from typing import Final

from core.admin import message_rules, message_templates, oversight, practice, retention, roles, staff

ROUTES: Final = (
    message_rules.routes,
    message_templates.routes,
    oversight.routes,
    practice.routes,
    retention.routes,
    roles.routes,
    staff.routes,
)
