"""What practices agreed to, after plugins changed: who has to be asked again, and that somebody is told."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from core import db, notifications, tenancy
from core.i18n import _l
from core.jobs import Job
from core.plugin_system import activation, capabilities
from core.plugin_system.models import PracticePlugin
from core.plugin_system.registry import registry

PERMISSION: Final = "core.manage_plugins"


def adopt() -> int:
    """Write down what is asked for now as agreed to, where a plugin was switched on before consent was kept.

    Part of ``careroom migrate``. Answers how many there were.
    """
    adopted = 0
    for practice_id, name in _rows(agreed=False):
        with tenancy.practice_scope(practice_id):
            activation.stored(name).agreed = sorted(capabilities.keys(registry.get(name).capabilities))
            adopted += 1
    return adopted


def ask_again(_payload: dict[str, Any]) -> None:
    """Sweep: where an upgrade asks for more than was agreed to, hang it under the admins' bell, once."""
    for practice_id, name in _rows(agreed=True):
        with tenancy.practice_scope(practice_id):
            state = activation.state(name)
            if state.why.code == "consent_widened":
                _tell(state)


def _tell(state: activation.PluginState) -> None:
    asked = ",".join(sorted(capabilities.keys(state.plugin.capabilities)))
    notifications.inbox.notify(
        _l("%(plugin)s asks for more and is off until you agree", plugin=str(state.plugin.title)),
        url=f"/admin/plugins/{state.plugin.name}/consent",
        permission=PERMISSION,
        icon="shield-check",
        key=f"core.consent:{state.plugin.name}:{sha256(asked.encode()).hexdigest()[:16]}",
    )


def _rows(*, agreed: bool) -> list[tuple[UUID, str]]:
    """Where a plugin is wanted and asks for more than was agreed to; or, not agreed: was never asked about."""
    found: list[tuple[UUID, str]] = []
    query = select(
        PracticePlugin.practice_id,
        PracticePlugin.name,
        PracticePlugin.enabled,
        PracticePlugin.rule,
        PracticePlugin.agreed,
    )
    with db.scope(write=False, across_practices=True) as session:
        for practice_id, name, enabled, rule, known in session.execute(query):
            if name not in registry or not (enabled or rule == "force"):
                continue
            if known is None:
                wanted = not agreed
            else:
                wanted = agreed and bool(capabilities.keys(registry.get(name).capabilities) - set(known))
            if wanted:
                found.append((practice_id, name))
    return found


JOBS: Final[tuple[Job, ...]] = (
    Job("core.plugin_consent", ask_again, every=timedelta(minutes=10), across_practices=True),
)
