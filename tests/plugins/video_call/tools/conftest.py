"""A call in which both talk, with whoever asks for something in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import audit, db, plugin_system
from core.audit.models import AuditEntry
from core.plugin_system import plugin_settings
from plugins.video_call import consents, participants
from plugins.video_call.models import Call, Consent, Participant
from tests.plugins.video_call.conftest import Made, clinician
from tests.support.house import House


@dataclass(frozen=True, slots=True)
class Talk:
    """A call that is on. ``with talk.clinician() as (call, me):`` is a scope of Amira's."""

    house: House
    made: Made

    def clinician(self) -> AbstractContextManager[tuple[Call, Participant]]:
        return self._as(clinician(self.house))

    def patient(self) -> AbstractContextManager[tuple[Call, Participant]]:
        return self._as(audit.Actor("patient", str(self.made.link_id), "patient"))

    @contextmanager
    def _as(self, actor: audit.Actor) -> Iterator[tuple[Call, Participant]]:
        with self.house.at(self.made.practice_id), audit.use_actor(actor):
            call = db.session().get_one(Call, (self.made.practice_id, self.made.id))
            me = participants.of_actor(call.id, actor.id)
            assert me is not None
            yield call, me

    def ask(self, kind: str) -> UUID:
        with self.clinician() as (call, me):
            return consents.ask(call, me, kind).id

    def answer(self, consent_id: UUID, *, granted: bool = True) -> None:
        with self.patient() as (call, _me):
            consents.answer(call, consent_id, granted=granted)

    def grant(self, kind: str) -> UUID:
        asked = self.ask(kind)
        self.answer(asked)
        return asked

    def consent(self, consent_id: UUID) -> Consent:
        with self.house.at(self.made.practice_id, write=False) as session:
            return session.get_one(Consent, (self.made.practice_id, consent_id))

    def trail(self, prefix: str = "video_call.") -> list[str]:
        """What the audit trail says of this call's patient, oldest first."""
        with self.house.at(self.made.practice_id, write=False) as session:
            found = session.scalars(
                select(AuditEntry.action)
                .where(AuditEntry.patient_id == self.made.patient_id)
                .order_by(AuditEntry.seq)
            )
            return [action for action in found if action.startswith(prefix)]

    def set(self, **values: Any) -> None:
        """Change the practice's settings of the plugin."""
        with self.house.at(self.made.practice_id), audit.use_actor(clinician(self.house, "helen")):
            plugin_settings.save(plugin_system.registry.get("video_call"), values)


@pytest.fixture
def talk(house: House, call_in: Callable[..., Made]) -> Talk:
    """Amira talks to Margaret Whitfield."""
    return Talk(house, call_in("in_call"))
