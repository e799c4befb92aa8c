"""A house to test in: settings, a migrated database, the demonstration's two practices, and who visits them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import BadSignature
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, db, demo, tenancy, worker
from core.patients import Patient
from core.plugin_system import activation
from core.settings import Settings

PHONE: Final = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36"
)


ADMIN: Final = audit.Actor("staff", "1", "Helen Price")


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

    def patient(self, practice_id: UUID, patient_id: UUID) -> Patient:
        """A patient as the row stands now."""
        with self.at(practice_id, write=False) as session:
            return session.get_one(Patient, (practice_id, patient_id))

    def switch(self, practice_id: UUID, plugin: str, *, on: bool) -> None:
        """Switch a plugin, as the practice's admin does."""
        with self.at(practice_id), audit.use_actor(ADMIN):
            if activation.state(plugin).on != on:
                (activation.enable if on else activation.disable)(plugin)

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
    """A browser without JavaScript: a Flask client that sends the token of a page that it saw with every form."""

    app: Flask
    client: FlaskClient
    # The session's secret and the token that a page showed for it.
    _known: tuple[str, str] = field(default=("", ""), init=False, repr=False)

    def get(self, url: str, **options: Any) -> Any:
        """Ask for a page."""
        return self.client.get(url, buffered=True, **options)

    def post(self, url: str, data: Any = None, **options: Any) -> Any:
        """Send a form (a dict), or what else ``data`` is."""
        headers = {"X-CSRFToken": self._token(), **options.pop("headers", {})}
        return self.client.post(url, data=data or {}, headers=headers, buffered=True, **options)

    def _token(self) -> str:
        secret, token = self._known
        if not secret or secret != self._secret():
            page = self.client.get("/login", follow_redirects=True)
            marker = 'name="csrf-token" content="'
            _, _, rest = page.get_data(as_text=True).partition(marker)
            token = rest.partition('"')[0]
            self._known = (self._secret(), token)
        return token

    def _secret(self) -> str:
        cookie = self.client.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        reader = SecureCookieSessionInterface().get_signing_serializer(self.app)
        if cookie is None or reader is None:
            return ""
        try:
            return str(reader.loads(cookie.value).get("csrf_token", ""))
        except BadSignature:
            return ""

    def sign_in(self, username: str, password: str = demo.PASSWORD) -> Any:
        """Sign in as one of the demonstration's people."""
        return self.post("/login", {"username": username, "password": password})


@dataclass(slots=True)
class Phone:
    """A patient's phone behind a link, past the date of birth. ``place``: where the link leads ("/v/<id>/<plugin>")."""

    visitor: Visitor
    place: str

    def get(self, path: str = "/", **options: Any) -> Any:
        """Ask for one of the link's pages."""
        return self.visitor.get(self.place + path, **options)

    def post(self, path: str = "/", data: Any = None, **options: Any) -> Any:
        """Send a form to one of the link's pages."""
        return self.visitor.post(self.place + path, data, **options)


def phone(app: Flask) -> Visitor:
    """The browser of a small phone."""
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = PHONE
    return Visitor(app, client)


def open_link(app: Flask, house: House, path: str) -> Phone:
    """Follow a link ("/l/<token>" or the whole URL) on a phone: give the date of birth of its patient, press the
    button of a guest."""
    from core import links
    from core.links import Link

    path = "/l/" + path.rstrip("/").rpartition("/")[2]
    found = links.find(path.removeprefix("/l/"))
    if found is None:
        raise AssertionError(f"no link is called {path}")
    with house.at(found.practice_id, write=False) as session:
        link = session.get_one(Link, (found.practice_id, found.link_id))
        born = session.get_one(Patient, (found.practice_id, link.patient_id)).birth_date
    visitor = phone(app)
    answer = visitor.post(path, {"day": born.day, "month": born.month, "year": born.year, "enter": "1"})
    if answer.status_code != 303:
        raise AssertionError(f"the link does not open: {answer.status_code}")
    return Phone(visitor, answer.headers["Location"].partition("?")[0].rstrip("/"))
