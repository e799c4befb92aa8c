"""The one argument of each hook: what happened or what page is made, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core.realtime.events import topic
from core.tenancy.models import Practice

if TYPE_CHECKING:
    from core.files import File
    from core.links import Link
    from core.notifications import Notification
    from core.patients import Patient


@dataclass(frozen=True, slots=True)
class StaffContext:
    """A page of somebody who works in the practice."""

    practice: Practice
    user_id: int
    permissions: frozenset[str]

    def can(self, permission: str) -> bool:
        return permission in self.permissions

    @staticmethod
    def topic(name: str, id: UUID | None = None) -> str:
        """The name of a topic: ``photo_request.request`` or, of one thing, ``photo_request.request:<id>``."""
        return topic(name, id)


@dataclass(frozen=True, slots=True)
class PatientContext(StaffContext):
    """A page about one patient, seen by staff.

    before: of a timeline that is read page by page: only what happened before this moment is asked for.
    """

    patient: Patient
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class LineContext:
    """The operator looks at how the practice's calls went since a moment."""

    practice: Practice
    since: datetime


@dataclass(frozen=True, slots=True)
class LinkContext:
    """A link of this plugin changed. change: opened, locked, unlocked, cancelled or completed."""

    link: Link
    change: str


@dataclass(frozen=True, slots=True)
class FileContext:
    """A file of this plugin has been processed: its state is ready or rejected."""

    file: File


@dataclass(frozen=True, slots=True)
class NotificationContext:
    """A message of this plugin changed its state."""

    notification: Notification
