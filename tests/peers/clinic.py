"""A small house for the tests of jobs and messages: two practices, three patients, one plugin with one template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.orm import Session

from core import db, files, jobs, links, notifications, patients, settings, tenancy
from core.i18n import _l
from core.notifications import Channel, Notification, Postman, Template
from core.settings import Settings

INVITATION = Template(
    name="photo_request.invitation",
    title=_l("Photo request"),
    subject="{practice} asks you for photos",
    text="Hello {patient},\n\nplease send photos:\n\n{link}\n\n{note}\n\n{practice}",
    sms="{practice} asks you to send photos: {link} {note}",
    variables={"practice": "Practice", "patient": "First name", "link": "Link", "note": "Note"},
    action="Send photos",
)
LINK = "https://care.example/l/Zm9vYmFyYmF6cXV4MTIzNA"


@dataclass
class Clinic:
    """on: the plugins that are on, in both practices."""

    settings: Settings
    riverside: UUID
    lumiere: UUID
    ada: UUID
    zoe: UUID
    nobody: UUID
    on: set[str] = field(default_factory=lambda: {"photo_request"})

    @contextmanager
    def at(self, practice_id: UUID | None = None, *, write: bool = True) -> Iterator[Session]:
        with tenancy.practice_scope(practice_id or self.riverside, write=write) as session:
            yield session

    def send(
        self, channel: Channel = "sms", *, key: str | None = None, count: int = 1, **options: Any
    ) -> list[UUID]:
        """Write messages to Ada; their ids."""
        ids = []
        with self.at():
            patient = patients.get(self.ada)
            for number in range(count):
                rows = notifications.send(
                    INVITATION.name,
                    patient=patient,
                    channels=[channel],
                    variables={"patient": "Ada", "link": LINK, "note": ""},
                    key=f"{key}:{number}" if key else None,
                    **options,
                )
                ids += [row.id for row in rows]
        return ids

    def message(self, notification_id: UUID) -> Notification:
        """The row as it is now, to look at."""
        with self.at(write=False):
            row = notifications.get(notification_id)
            assert row is not None
            return row

    def make_due(self, notification_id: UUID) -> None:
        """As if the wait were over."""
        with self.at():
            row = notifications.get(notification_id)
            assert row is not None
            row.due_at = db.utcnow()

    def deliver(self, **changes: Any) -> int:
        """What a worker with these settings does with the messages that are due now."""
        return Postman(self.settings.model_copy(update=changes)).deliver_due()


@contextmanager
def open_clinic(database_url: str, folder: Path, *, create: bool = False) -> Iterator[Clinic]:
    """A house on a migrated database. create: make the tables, on an empty one."""
    chosen = settings.configure(
        Settings(
            environment="test",
            database_url=database_url,
            data_dir=folder,
            base_url="https://care.example",
            secret_key=SecretStr("s" * 40),
            master_key=SecretStr("A" * 43),
            provider_timeout_seconds=1,
            smtp_tls="none",
            mail_from="messages@care.example",
            rate_limits=False,
        )
    )
    engine = db.configure(chosen)
    if create:
        db.Base.metadata.create_all(engine)
    known = notifications.templates.registered(), jobs.registered()
    notifications.templates.clear()
    jobs.clear()
    notifications.templates.register(INVITATION)
    jobs.register(*jobs.JOBS, *notifications.JOBS, *files.JOBS, *links.JOBS)
    try:
        with db.scope():
            riverside = tenancy.create_practice(
                "riverside",
                "Riverside Surgery",
                address="1 River Road\nReading",
                phone="+441184960000",
                email="desk@riverside.example",
            ).id
            lumiere = tenancy.create_practice(
                "lumiere", "Cabinet Lumière", language="fr-FR", time_zone="Europe/Paris", country="FR"
            ).id
        with tenancy.practice_scope(riverside):
            ada = patients.create(
                given_names="Ada",
                family_name="Byron",
                birth_date="1980-12-10",
                mobile="07700 900123",
                email="ada@example.com",
            ).id
            nobody = patients.create(given_names="No", family_name="Body", birth_date="1970-01-01").id
        with tenancy.practice_scope(lumiere):
            zoe = patients.create(
                given_names="Zoé", family_name="Durand", birth_date="1990-02-03", mobile="06 39 98 01 23"
            ).id
        clinic = Clinic(chosen, riverside, lumiere, ada, zoe, nobody)
        tenancy.switches.answered_by(lambda: clinic.on)
        yield clinic
    finally:
        tenancy.switches.answered_by(None)
        notifications.templates.clear()
        notifications.templates.register(*known[0])
        jobs.clear()
        jobs.register(*known[1])
        db.dispose()
