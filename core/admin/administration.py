"""The pages of a practice's administration, for the wiring of the web process."""

from __future__ import annotations

from typing import Final

from core.admin import (
    exports,
    home,
    link_policies,
    message_rules,
    message_templates,
    operator,
    operator_given_up,
    operator_plugins,
    operator_trail,
    oversight,
    practice,
    relay_test,
    retention,
    roles,
    sign_in,
    staff,
    usage,
)

ROUTES: Final = (
    exports.routes,
    home.routes,
    link_policies.routes,
    message_rules.routes,
    message_templates.routes,
    operator.routes,
    operator_given_up.routes,
    operator_plugins.routes,
    operator_trail.routes,
    oversight.routes,
    practice.routes,
    relay_test.routes,
    retention.routes,
    roles.routes,
    sign_in.routes,
    staff.routes,
    usage.routes,
)
