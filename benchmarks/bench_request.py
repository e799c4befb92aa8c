"""What the platform adds to a request, beside bare Flask doing the same. No server, no network: a WSGI call in process.

- hello: `/healthz` beside a bare Flask route that returns the same.
- signed-in pages, with session, membership, permissions, tenant guard, plugins' panels and the whole shell, beside a
  bare Flask page that reads its session, sends as many ORM statements to SQLite and fills a template of the same size.
  So the ratio is what the platform's own work costs; how many statements a page sends stands beside it.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from wsgiref.types import WSGIApplication

from flask import Flask, render_template, request, session
from flask.testing import FlaskClient
from jinja2 import DictLoader
from sqlalchemy import Engine, String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from werkzeug.test import EnvironBuilder

from benchmarks.measure import Row, cpu_of_calls, in_child, side_by_side

CALLS: Final = {"/healthz": 2000}
PAGE_CALLS: Final = 150
PEOPLE: Final = 40

BYTES_A_ROW: Final = 72

PAGE: Final = """<!doctype html><html lang="en"><head><title>{{ title }}</title></head><body>
<nav>{{ user.name }}</nav><h1>{{ title }}</h1><table>{% for person in people %}
<tr><td><a href="{{ url_for('person', id=person.id) }}">{{ person.name }}</a></td><td>{{ person.born }}</td></tr>
{% endfor %}</table></body></html>"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request: microseconds of processor time, bytes of body, statements sent to the database."""

    spent: float
    size: int
    statements: int


def ours(path: str) -> Cost:
    """A request to Careroom, signed in unless it is /healthz."""
    from core import db
    from core.app import create_app
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            chosen = settings_for(url, folder, async_mode="threading", rate_limits=False)
            app = create_app(chosen)
            visitor = house.Visitor(app, app.test_client())
            if path != "/healthz":
                visitor.sign_in("amira")
            visitor.get(path)  # the first one fills caches
            with _counted(db.engine()) as statements:
                answer = visitor.get(path)
            assert answer.status_code == 200, f"{path} answered {answer.status}"
            call = _request(app.wsgi_app, path, _cookies(visitor.client))
            spent = cpu_of_calls(call, CALLS.get(path, PAGE_CALLS))
            return Cost(spent * 1e6, len(answer.data), len(statements))


def bare(path: str) -> Cost:
    """The same for bare Flask: `/people?statements=8&rows=100` is a page of that many statements and rows."""
    with tempfile.TemporaryDirectory() as folder:
        app = _bare_app(f"sqlite:///{folder}/bare.db")
        client = app.test_client()
        client.get("/sign-in")
        answer = client.get(path)
        assert answer.status_code == 200
        spent = cpu_of_calls(_request(app.wsgi_app, path, _cookies(client)), CALLS.get(path, PAGE_CALLS))
        return Cost(spent * 1e6, len(answer.data), request_statements(path))


def request_statements(path: str) -> int:
    """How many statements a path of the bare page asks for."""
    _, _, wanted = path.partition("statements=")
    return int(wanted.partition("&")[0] or 0)


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    """The queries that an engine sends meanwhile (not BEGIN and SAVEPOINT, which cost next to nothing)."""
    sent: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield sent
    event.remove(engine, "before_cursor_execute", hear)


class _Base(DeclarativeBase):
    pass


class _Person(_Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    born: Mapped[str] = mapped_column(String(10))


def _bare_app(url: str) -> Flask:
    engine = create_engine(url)
    _Base.metadata.create_all(engine)
    with Session(engine) as opened, opened.begin():
        opened.add_all(_Person(name=f"Person {number}", born="1984-03-04") for number in range(PEOPLE))
    app = Flask("bare")
    app.jinja_loader = DictLoader({"page.html": PAGE})  # compiled once, as files are
    app.secret_key = "a secret of this measurement"

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "up"}

    @app.get("/sign-in")
    def sign_in() -> str:
        session["user"] = 1
        return "signed in"

    @app.get("/people/<int:id>")
    def person(id: int) -> str:
        return str(id)

    @app.get("/people")
    def people() -> str:
        statements, wanted = request.args.get("statements", 2, int), request.args.get("rows", 10, int)
        with Session(engine) as opened:
            user = opened.scalars(select(_Person).where(_Person.id == session["user"])).one()
            found: list[_Person] = []
            share = -(-wanted // max(1, statements - 1))
            for number in range(statements - 1):
                few = select(_Person).where(_Person.id > number).order_by(_Person.name).limit(share)
                found += opened.scalars(few)
            return render_template("page.html", title="People", user=user, people=found[:wanted])

    return app


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
    hello, peer = side_by_side(
        lambda: in_child(ours, "/healthz").spent, lambda: in_child(bare, "/healthz").spent
    )
    yield Row("hello", hello, "bare Flask hello", peer, "µs", 1.5)
    for name, path in (
        ("Today, signed in", "/p/riverside/"),
        ("patients, signed in", "/p/riverside/patients"),
    ):
        page = in_child(ours, path)
        rows_of_peer = page.size // BYTES_A_ROW
        same = f"/people?statements={page.statements}&rows={rows_of_peer}"
        cost, peer = side_by_side(partial(_spent, ours, path), partial(_spent, bare, same))
        note = f"{page.statements} statements, {page.size / 1000:.1f} kB"
        yield Row(name, cost, "bare Flask page of the same size", peer, "µs", 2.0, note)


def _spent(side: Callable[[str], Cost], path: str) -> float:
    return in_child(side, path).spent
