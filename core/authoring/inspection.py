"""The place where a plugin is looked over: a house of its own, the app, and one of everything the plugin makes."""

from __future__ import annotations

import importlib
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from datetime import date
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, g
from sqlalchemy import event, select

from core import audit, db, patients, tenancy
from core.authoring import surfaces
from core.notifications import Notification
from core.patients import Patient
from core.plugin_system import PatientContext, Plugin, registry
from core.security import permissions
from core.testing import house as houses
from core.testing.databases import migrate, settings_for
from core.testing.house import House, Phone, Visitor
from core.testing.practices import LINK

HOSTILE_GIVEN = "<script>window.pwned=1</script>"
HOSTILE_FAMILY = "\"onmouseover='window.pwned=2'x=\"<b>"
_SECOND = ("Berry", "Cole", "Dunn", "Frost", "Gale", "Hart", "Lane", "Moss", "Nash", "Pope")
HELEN = audit.Actor("staff", "1", "Helen Price")


class NoSuchPlugin(LookupError):
    """There is no such plugin in this environment, or it was refused; the message says why."""


@dataclass(slots=True)
class Sample:
    """What the plugin's ``sample.make`` made for one patient: ids by the names that routes use, and links sent."""

    practice_id: UUID
    patient_id: UUID
    ids: dict[str, UUID]
    links: list[str]


@dataclass(slots=True)
class Inspection:
    """A plugin in a house of two practices, Riverside and Lumière, on in both; Helen works in the first only."""

    app: Flask
    house: House
    plugin: Plugin
    samples: dict[tuple[UUID, bool], Sample | None] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=count)

    @property
    def name(self) -> str:
        return self.plugin.name

    @property
    def package(self) -> Path:
        """The folder of the plugin's package."""
        spec = find_spec(self.plugin.package)
        if spec is None or spec.origin is None:
            raise NoSuchPlugin(f"the package {self.plugin.package} has no folder")
        return Path(spec.origin).parent

    def rules(self) -> list[tuple[Any, Any]]:
        return list(surfaces.rules(self.app, owner=self.name))

    def switch(self, *, on: bool) -> None:
        """Switch the plugin at Riverside."""
        self.house.switch(self.house.riverside, self.name, on=on)

    @contextmanager
    def off(self) -> Iterator[None]:
        """The plugin is off at Riverside while this lasts."""
        self.switch(on=False)
        try:
            yield
        finally:
            self.switch(on=True)

    def visitor(self, username: str | None = "helen") -> Visitor:
        """A browser; Helen is practice admin and clinician: nothing is hidden from her but by the switch."""
        made = Visitor(self.app, self.app.test_client())
        if username is not None:
            made.sign_in(username)
        return made

    # --- one of everything ---

    @property
    def has_sample(self) -> bool:
        return find_spec(f"{self.plugin.package}.sample") is not None

    def sample(self, practice_id: UUID, *, hostile: bool = False) -> Sample | None:
        """What the plugin makes for a patient of a practice, made once; hostile: whose name is markup."""
        key = (practice_id, hostile)
        if key not in self.samples:
            self.samples[key] = self.make(practice_id, hostile=hostile) if self.has_sample else None
        return self.samples[key]

    def make(self, practice_id: UUID, *, hostile: bool = False, patient_id: UUID | None = None) -> Sample:
        """Make one of everything once more, for a patient of its own unless one is given."""
        chosen = patient_id or self._patient(practice_id, hostile=hostile)
        module = importlib.import_module(f"{self.plugin.package}.sample")
        with audit.use_actor(HELEN):
            ids = dict(module.make(practice_id, chosen))
        self.house.work()
        with self.house.at(practice_id, write=False) as session:
            messages = session.scalars(
                select(Notification)
                .where(Notification.patient_id == chosen)
                .order_by(Notification.created_at)
            ).all()
            found = [link for message in messages for link in LINK.findall(message.body)]
        return Sample(practice_id, chosen, {"patient_id": chosen, **ids}, list(dict.fromkeys(found)))

    def _patient(self, practice_id: UUID, *, hostile: bool) -> UUID:
        with self.house.at(practice_id), audit.use_actor(HELEN):
            made = patients.create(
                given_names=HOSTILE_GIVEN if hostile else "Rosalind",
                # Two of them are two people: what is left of one must not be taken for the other's.
                family_name=HOSTILE_FAMILY
                if hostile
                else f"Ashdown-{_SECOND[next(self.names) % len(_SECOND)]}",
                birth_date=date(1961, 5, 9),
                sex="female",
                mobile="+447700900111" if practice_id == self.house.riverside else "+33639980011",
                email="rosalind.ashdown@example.com",
            )
            return made.id

    def phone(self, link: str) -> Phone:
        """A patient's phone behind a link."""
        return houses.open_link(self.app, self.house, link)

    # --- pages and contexts ---

    def pages(self, sample: Sample | None) -> list[str]:
        """Every page of the plugin for staff that can be asked for with the sample's ids."""
        ids = sample.ids if sample else {}
        found = []
        for rule, access in self.rules():
            is_page = access.kind == "staff" and "GET" in (rule.methods or ())
            if is_page and not surfaces.ids_of(rule) - ids.keys():
                found.append(surfaces.url_of(rule, self.slug(sample), ids))
        return found

    def pages_of_others(self, sample: Sample | None) -> list[str]:
        """The pages of the core that the plugin adds to."""
        slug = self.slug(sample)
        pages = [f"/p/{slug}/", f"/p/{slug}/patients"]
        return [*pages, f"/p/{slug}/patients/{sample.patient_id}"] if sample else pages

    def unreachable(self, sample: Sample | None) -> list[str]:
        """The rules that no page can be asked of, because the sample has no id for them."""
        ids = sample.ids if sample else {}
        return [
            f"{rule.rule} ({', '.join(sorted(lacking))})"
            for rule, access in self.rules()
            if access.kind == "staff" and (lacking := surfaces.ids_of(rule) - ids.keys())
        ]

    def patient_pages(self, phone: Phone) -> list[str]:
        """The pages of the plugin behind a link, without those that need an id."""
        found = []
        for rule, access in self.rules():
            if access.kind == "patient" and "GET" in (rule.methods or ()) and rule.arguments == {"link_id"}:
                found.append(surfaces.url_of(rule, "", {}, UUID(phone.place.split("/")[2])))
        return found

    def slug(self, sample: Sample | None) -> str:
        return "lumiere" if sample and sample.practice_id == self.house.lumiere else "riverside"

    @contextmanager
    def looking(self, practice_id: UUID, patient_id: UUID) -> Iterator[PatientContext]:
        """What a hook is given on a patient's page, in a request that reads."""
        slug = "riverside" if practice_id == self.house.riverside else "lumiere"
        with self.app.test_request_context(f"/p/{slug}/"), self.house.at(practice_id, write=False):
            g.practice_slug, g.practice = slug, tenancy.current()
            everything = frozenset(item.name for item in permissions.declared())
            g.permissions = everything
            patient = db.get(Patient, patient_id)
            if patient is None:
                raise NoSuchPlugin("the patient of the sample is gone")
            yield PatientContext(tenancy.current(), 1, everything, patient)


class Statements(list[str]):
    """The statements that go to the database meanwhile, without their values."""

    def __enter__(self) -> Statements:
        event.listen(db.engine(), "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(db.engine(), "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.append(statement)


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Inspection]:
    """Set up a house in ``folder`` and look at the plugin ``name`` there. Raises NoSuchPlugin.

    Settings, database and plugins of this process are those of the inspection from here on.
    """
    from core.app import create_app

    chosen = settings_for(f"sqlite:///{folder / 'careroom.db'}", folder, rate_limits=False)
    with redirect_stderr(io.StringIO()):
        migrate(chosen, seeded=True)
        app = create_app(chosen)
    # What is tried here fails on purpose, again and again: nobody wants to read that.
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_drop])
    if name not in registry:
        why = {refusal.name: refusal.reason for refusal in registry.refused}.get(name)
        raise NoSuchPlugin(f"{name} was refused: {why}" if why else f"no plugin is called {name}")
    house = houses.make(chosen)
    inspection = Inspection(app, house, registry.get(name))
    for practice_id in (house.riverside, house.lumiere):
        house.switch(practice_id, name, on=True)
    try:
        yield inspection
    finally:
        logging.disable(logging.NOTSET)
        db.dispose()
        audit.clear_context()


def _drop(_logger: Any, _method: str, _event: Any) -> Any:
    raise structlog.DropEvent
