"""What the platform adds to a request, beside bare Flask doing the same. No server, no network: a WSGI call in process.

- hello: `/healthz` beside a bare Flask route that returns the same.
- signed-in page: Today and the list of patients, with session, membership, tenant guard, plugins' panels and the whole
  shell, beside a bare Flask page that reads the session, a user and as many rows from SQLite and shows them.
"""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final
from wsgiref.types import WSGIApplication

from flask import Flask, render_template, session
from flask.testing import FlaskClient
from jinja2 import DictLoader
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from werkzeug.test import EnvironBuilder

from benchmarks.measure import Row, cpu_of_calls, in_child, side_by_side

CALLS: Final = {"/healthz": 2000}
PAGE_CALLS: Final = 150
PEOPLE: Final = 7  # as many as the demonstration's Riverside has

PAGE: Final = """<!doctype html><html lang="en"><head><title>{{ title }}</title></head><body>
<nav>{{ user.name }}</nav><h1>{{ title }}</h1><table>{% for person in people %}
<tr><td><a href="{{ url_for('person', id=person.id) }}">{{ person.name }}</a></td><td>{{ person.born }}</td></tr>
{% endfor %}</table></body></html>"""


def ours(path: str) -> tuple[float, int]:
    """Microseconds of processor time and bytes of body for a request to Careroom, signed in unless it is /healthz."""
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
            answer = visitor.get(path)
            assert answer.status_code == 200, f"{path} answered {answer.status}"
            cookies = _cookies(visitor.client)
            spent = cpu_of_calls(_request(app.wsgi_app, path, cookies), CALLS.get(path, PAGE_CALLS))
            return spent * 1e6, len(answer.data)


def bare(path: str) -> float:
    """The same for bare Flask."""
    with tempfile.TemporaryDirectory() as folder:
        app = _bare_app(f"sqlite:///{folder}/bare.db")
        client = app.test_client()
        client.get("/sign-in")
        assert client.get(path).status_code == 200
        cookies = _cookies(client)
        return cpu_of_calls(_request(app.wsgi_app, path, cookies), CALLS.get(path, PAGE_CALLS)) * 1e6


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
        with Session(engine) as opened:
            user = opened.get(_Person, session["user"])
            found = opened.scalars(select(_Person).order_by(_Person.name)).all()
            return render_template("page.html", title="People", user=user, people=found)

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
    for name, path, peer_name, peer_path, goal in (
        ("hello", "/healthz", "bare Flask hello", "/healthz", 2.0),
        ("Today, signed in", "/p/riverside/", "bare Flask page, 2 queries", "/people", 4.0),
        ("patients, signed in", "/p/riverside/patients", "bare Flask page, 2 queries", "/people", 4.0),
    ):
        sizes: list[int] = []

        def measured(path: str = path, sizes: list[int] = sizes) -> float:
            spent, size = in_child(ours, path)
            sizes.append(size)
            return spent

        cost, peer = side_by_side(measured, partial(in_child, bare, peer_path))
        yield Row(name, cost, peer_name, peer, "µs", goal, f"{sizes[0] / 1000:.1f} kB of body")
