"""A house to test in: settings, a migrated database, and the demonstration's two practices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import db, demo, tenancy, worker
from core.patients import Patient
from core.settings import Settings


@dataclass(slots=True)
class House:
    """Riverside (en-GB) and Lumière (fr-FR) with the demonstration's people; every plugin is on in both."""

    settings: Settings
    riverside: UUID
    lumiere: UUID

    @contextmanager
    def at(self, practice_id: UUID, *, write: bool = True) -> Iterator[Session]:
        """A scope of a practice."""
        with tenancy.practice_scope(practice_id, write=write) as session:
            yield session

    def patient_id(self, practice_id: UUID, family_name: str) -> UUID:
        """The id of one of the demonstration's patients."""
        with self.at(practice_id, write=False) as session:
            return session.scalars(select(Patient).where(Patient.family_name == family_name)).one().id

    def work(self) -> None:
        """Do everything that is due, as the worker would."""
        worker.drain(self.settings)


def make(settings: Settings) -> House:
    """Seed the demonstration's practices; settings, database and plugins must be configured."""
    demo.seed()
    with db.scope(write=False):
        ids = {slug: tenancy.find_by_slug(slug).id for slug in ("riverside", "lumiere")}
    return House(settings, ids["riverside"], ids["lumiere"])


@dataclass(slots=True)
class Visitor:
    """A browser without JavaScript: a Flask client that sends CSRF tokens and follows what a form would send."""

    app: Flask
    client: FlaskClient

    def get(self, url: str, **options: Any) -> Any:
        return self.client.get(url, buffered=True, **options)

    def post(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        headers = {"X-CSRFToken": self._token(), **options.pop("headers", {})}
        return self.client.post(url, data=data or {}, headers=headers, buffered=True, **options)

    def _token(self) -> str:
        page = self.client.get("/login", follow_redirects=True)
        marker = 'name="csrf-token" content="'
        _, _, rest = page.get_data(as_text=True).partition(marker)
        return rest.partition('"')[0]

    def sign_in(self, username: str, password: str = demo.PASSWORD) -> Any:
        return self.post("/login", {"username": username, "password": password})
