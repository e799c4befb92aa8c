"""What the platform adds to a request, beside bare Flask doing the same.

- hello: `/healthz` beside a bare Flask route that returns the same, both served as in production: by eventlet's server.
  The WSGI call alone, with nothing around it, is told beside.
- pages: the list of 50 patients and Today, signed in, with session, membership, permissions, tenant guard, audit trail
  and plugins' panels; beside a bare Flask application that sends the same statements to the same database by a plain
  SQLAlchemy session and fills the very same templates with the same values. Its statements are ready made, nothing
  guards them and nothing is written. So the ratio is what the platform's own work costs, not the page's.
"""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from wsgiref.types import WSGIApplication

from flask import Flask, before_render_template, g, session
from flask.testing import FlaskClient
from markupsafe import Markup
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session
from werkzeug.test import EnvironBuilder

from benchmarks.measure import REPEATS, Row, cpu_of_calls, cpu_of_process, in_child, wait_for_port

HELLO_CALLS: Final = 2000
PAGE_CALLS: Final = 60
PATIENTS: Final = 50
TODAY: Final = "/p/riverside/"
LIST: Final = "/p/riverside/patients"


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was made once: what was asked of the database, and which templates were filled with what."""

    statements: list[Any]
    writes: int
    templates: list[tuple[str, dict[str, Any]]]
    size: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time of ours and of bare Flask, and what the page is."""

    ours: float
    bare: float
    selects: int
    writes: int
    size: int


# --- pages ---------------------------------------------------------------------------------------------------------


def page(path: str) -> Cost:
    """Both sides of a page, in turns in one process: they share the database, the templates and the machine's mood."""
    from core.app import create_app
    from core.web import patients as patients_page
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for

    patients_page.PAGE = PATIENTS  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            chosen = settings_for(url, folder, async_mode="threading", rate_limits=False)
            app = create_app(chosen)
            home = house.make(chosen)
            _fill(home)
            visitor = house.Visitor(app, app.test_client())
            visitor.sign_in("amira")
            visitor.get(path)  # the first one fills caches
            made = _recorded(app, lambda: visitor.get(path))
            bare = _bare_app(app, url, made, rebuild=path == LIST)
            client = bare.test_client()
            client.get("/sign-in")
            assert len(client.get(path).data) > made.size * 0.97, "the peer's page is not the same page"
            ours_call = _request(app.wsgi_app, path, _cookies(visitor.client))
            bare_call = _request(bare.wsgi_app, path, _cookies(client))
            turns = [
                (cpu_of_calls(ours_call, PAGE_CALLS), cpu_of_calls(bare_call, PAGE_CALLS))
                for _ in range(REPEATS)
            ]
            ours, peer = (statistics.median(side) * 1e6 for side in zip(*turns, strict=True))
            return Cost(ours, peer, len(made.statements), made.writes, made.size)


def _fill(home: Any) -> None:
    from core import patients

    with home.at(home.riverside):
        for number in range(PATIENTS):
            patients.create(
                given_names=f"Ann{number}",
                family_name="Example",
                birth_date="1984-03-04",
                mobile=f"07700 900{number:03d}",
            )


def _recorded(app: Flask, visit: Callable[[], Any]) -> Page:
    """A page while it is made."""
    from core import db

    templates: list[tuple[str, dict[str, Any]]] = []

    def note(_app: Flask, template: Any, context: dict[str, Any], **_more: Any) -> None:
        shell = context.get("shell")
        frozen = {**context, "shell": _frozen(shell)} if shell is not None else dict(context)
        for name in ("request", "session", "g"):
            frozen.pop(name, None)
        templates.append((template.name, frozen))

    with (
        before_render_template.connected_to(note, app),
        _counted(db.engine()) as sent,
        _selected() as statements,
    ):
        answer = visit()
    assert answer.status_code == 200, answer.status
    writes = sum(not one.lstrip().upper().startswith("SELECT") for one in sent)
    return Page(statements, writes, templates, len(answer.data))


@contextmanager
def _selected() -> Iterator[list[Any]]:
    """The ORM's statements that sessions are given meanwhile, each for the one practice that it was asked for."""
    from core import db
    from core.db.scope import TenantSession

    given: list[Any] = []

    def hear(state: Any) -> None:
        if not state.is_select or state.is_relationship_load:
            return
        statement = state.statement
        for one in statement.column_descriptions:
            if one["entity"] is not None and hasattr(one["entity"], "practice_id") and db.has_practice():
                statement = statement.where(one["entity"].practice_id == db.practice_id())
        given.append((statement, dict(state.parameters or {})))

    event.listen(TenantSession, "do_orm_execute", hear, insert=True)
    yield given
    event.remove(TenantSession, "do_orm_execute", hear)


def _frozen(shell: Any) -> SimpleNamespace:
    """The surroundings of a page as plain values."""
    values = {name: getattr(shell, name) for name in dir(shell) if not name.startswith("_")}
    attributes = values["live_attributes"]()
    return SimpleNamespace(**{**values, "live_attributes": lambda: attributes})


def _bare_app(ours: Flask, url: str, made: Page, *, rebuild: bool) -> Flask:
    """Flask with one view, our addresses (so that links are built alike) and our templates."""
    app = Flask("bare")
    app.secret_key = "a secret of this measurement"
    engine = create_engine(url)
    environment = app.jinja_env
    environment.loader = ours.jinja_env.loader
    environment.globals = {**ours.jinja_env.globals, **environment.globals}
    environment.filters = dict(ours.jinja_env.filters)
    environment.extensions = dict(ours.jinja_env.extensions)
    environment.policies = dict(ours.jinja_env.policies)
    field = Markup('<input type="hidden" name="csrf_token" value="{}">').format("t" * 91)
    environment.globals |= {
        "csrf_field": lambda: field,
        "csrf_token": lambda: "t" * 91,
        "csp_nonce": lambda: "n" * 24,
        "import_map": _once(ours, "import_map"),
    }

    practice = made.templates[-1][1]["shell"].practice

    @app.url_defaults
    def fill_in(endpoint: str, values: dict[str, Any]) -> None:
        if "practice_slug" not in values and app.url_map.is_endpoint_expecting(endpoint, "practice_slug"):
            values["practice_slug"] = "riverside"

    def show(**_values: Any) -> str:
        session["user"]
        g.practice = practice
        with Session(engine) as opened:
            found = [opened.execute(*statement).all() for statement in made.statements]
        text = ""
        for name, context in made.templates:
            values = {**context, "patients": _people(found)} if rebuild and "patients" in context else context
            text = environment.get_template(name).render(values)
        return text

    for rule in ours.url_map.iter_rules():
        if rule.endpoint != "static":
            app.add_url_rule(rule.rule, rule.endpoint, show, methods=rule.methods)

    @app.get("/sign-in")
    def sign_in() -> str:
        session["user"] = 1
        return "signed in"

    return app


def _once(app: Flask, name: str) -> Callable[[], Any]:
    with app.test_request_context("/healthz"):
        text = app.jinja_env.globals[name]()  # type: ignore[operator]
    return lambda: text


def _people(found: list[Any]) -> list[tuple[Any, Any]]:
    """What the list shows of each patient, made from the rows by the words' own functions."""
    from core.patients import Patient
    from core.web import record

    people = next(rows for rows in found if rows and isinstance(rows[0][0], Patient))
    return [(row[0], record.identity(row[0])) for row in people]


# --- hello ---------------------------------------------------------------------------------------------------------


def hello() -> tuple[float, float]:
    """Microseconds of our /healthz: as production serves it, and of the WSGI call alone."""
    from tests.core.realtime.live import environment_of
    from tests.support.servers import free_port

    with tempfile.TemporaryDirectory() as name:
        alone, chosen = in_child(_hello_alone, name)
        port = free_port()
        command = [sys.executable, "-m", "core.server", "--mode", "eventlet", "--port", str(port)]
        return _served(command, environment_of(chosen), port), alone


def _hello_alone(name: str) -> tuple[float, Any]:
    from core.app import create_app
    from tests.support.databases import SqliteTemplate, settings_for

    folder = Path(name)
    url = SqliteTemplate(folder, seeded=False).copy(folder).__enter__()  # the folder goes as a whole
    chosen = settings_for(url, folder, async_mode="eventlet", rate_limits=False)
    return _spent(create_app(chosen)), chosen


def bare_hello() -> tuple[float, float]:
    """The same of an application of six lines."""
    from tests.support.servers import free_port

    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_server", str(port)]
    return _served(command, dict(os.environ), port), in_child(_bare_alone)


def _bare_alone() -> float:
    app = Flask("bare")

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "up"}

    return _spent(app)


def _spent(app: Flask) -> float:
    call = _request(app.wsgi_app, "/healthz", "")
    return cpu_of_calls(call, HELLO_CALLS) * 1e6


def _served(command: list[str], environment: dict[str, str], port: int) -> float:
    """Microseconds of processor time that a server spends on a request of a browser that keeps its connection."""
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, server.pid)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        spent = []
        for calls in (300, HELLO_CALLS, HELLO_CALLS):
            began = cpu_of_process(server.pid)
            for _ in range(calls):
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
            spent.append((cpu_of_process(server.pid) - began) / calls * 1e6)
        connection.close()
        return min(spent[1:])
    finally:
        server.terminate()
        server.wait(20)


# --- shared --------------------------------------------------------------------------------------------------------


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that an engine sends meanwhile (not BEGIN and SAVEPOINT, which cost next to nothing)."""
    sent: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield sent
    event.remove(engine, "before_cursor_execute", hear)


def _cookies(client: FlaskClient) -> str:
    """What the browser sends. A test client keeps its jar to itself."""
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in (client._cookies or {}).values())


def _request(app: Any, path: str, cookies: str) -> Callable[[], None]:
    """A GET of the path as a server would hand it over."""
    application: WSGIApplication = app
    headers = [("Cookie", cookies), ("Accept-Language", "en-GB")]
    environ = EnvironBuilder(path, headers=headers).get_environ()

    def call() -> None:
        body = application(dict(environ), lambda *_: lambda _: None)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()

    return call


def rows() -> Iterable[Row]:
    turns = [(hello(), bare_hello()) for _ in range(REPEATS)]
    ours, peer = (tuple(map(statistics.median, zip(*side, strict=True))) for side in zip(*turns, strict=True))
    note = f"the WSGI call alone {ours[1]:.0f} to {peer[1]:.0f} µs"
    yield Row("hello, served by eventlet", ours[0], "bare Flask on eventlet", peer[0], "µs", 1.5, note)
    for name, path in ((f"list of {PATIENTS} patients, signed in", LIST), ("Today, signed in", TODAY)):
        cost = in_child(page, path)
        note = f"{cost.selects} statements, {cost.size / 1000:.0f} kB; ours also {cost.writes} for the audit trail"
        yield Row(
            name, cost.ours, "the same statements and templates in bare Flask", cost.bare, "µs", 2.0, note
        )
