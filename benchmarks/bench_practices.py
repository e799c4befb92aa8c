"""A house of 10,000 practices beside a house of one (the demonstration's two): the same pages, the same migration.

Processor time of each single request, so that a neighbour on the machine does not make the slowest of them.
"""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.bench_request import _cookies, _request
from benchmarks.measure import Row, in_child, side_by_side

MANY: Final = 10_000
REQUESTS: Final = 120
# Tables of which every practice has rows from its first day on; each is copied from the demonstration's practice.
_OF_A_PRACTICE: Final = (
    "core_membership",
    "core_event_head",
    "core_audit_head",
    "core_patient",
    "core_link",
    "core_notification",
    "photo_request_request",
)


def pages(practices: int) -> tuple[float, float]:
    """95th percentile in milliseconds of a signed-in page and of a patient's link page."""
    from sqlalchemy import select

    from core import db, links
    from core.app import create_app
    from core.patients import Patient
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            chosen = settings_for(url, folder, async_mode="threading", rate_limits=False)
            app = create_app(chosen)
            home = house.make(chosen)
            with home.at(home.riverside) as session:
                patient_id = session.scalars(select(Patient.id)).first()
                assert patient_id is not None
                issued = links.issue("photo_request.photos", patient_id, db.uuid7())
            _multiply(url.removeprefix("sqlite:///"), home.riverside.hex, practices)
            visitor = house.Visitor(app, app.test_client())
            visitor.sign_in("amira")
            today = _request(app.wsgi_app, "/p/riverside/", _cookies(visitor.client))
            link = _request(app.wsgi_app, "/l/" + issued.url.rpartition("/")[2], "")
            return _p95(today), _p95(link)


def migration(practices: int) -> float:
    """Milliseconds of a migration: from before row-level security to the newest revision, and the permissions."""
    from core import db, plugin_system, settings
    from core.db import migrate
    from core.plugin_system import wiring
    from core.security import permissions
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            chosen = settings.configure(settings_for(url, folder))
            db.configure(chosen)
            wiring.start(chosen)
            _multiply(url.removeprefix("sqlite:///"), house.make(chosen).riverside.hex, practices)
            branches = plugin_system.registry.branches()
            took = []
            for _ in range(4):
                migrate.downgrade(branches, "core_0001")
                began = time.process_time()
                migrate.upgrade(branches)
                with db.scope():
                    permissions.sync_permissions(permissions.declared())
                took.append(time.process_time() - began)
            db.dispose()
            return min(took) * 1000


def _multiply(path: str, practice_id: str, practices: int) -> None:
    """Copy a practice with what it holds, under other ids, until there are so many more."""
    if practices < 2:
        return
    raw = sqlite3.connect(path)
    raw.row_factory = sqlite3.Row
    raw.execute("PRAGMA foreign_keys = OFF")
    place = raw.execute("SELECT * FROM core_practice WHERE id = ?", (practice_id,)).fetchone()
    for table in ("core_practice", *_OF_A_PRACTICE):
        mine = (
            [place]
            if table == "core_practice"
            else raw.execute(f"SELECT * FROM {table} WHERE practice_id = ?", (practice_id,)).fetchall()
        )
        copies: list[dict[str, Any]] = []
        for number in range(practices):
            copies += [_copy(table, dict(row), number) for row in mine[:3]]
        if copies:
            columns = ", ".join(f":{column}" for column in copies[0])
            raw.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({columns})", copies)
    raw.execute("ANALYZE")
    raw.commit()
    raw.close()


def _copy(table: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    there = f"{number:012x}{'b' * 20}"
    if table == "core_practice":
        return row | {"id": there, "slug": f"practice-{number}", "name": f"Practice {number}"}
    if table == "core_membership":
        return row | {"practice_id": there, "user_id": 1_000_000 + number}
    unique = {"token_hash": f"{number:064x}"} if "token_hash" in row else {}
    return row | {"practice_id": there} | unique


def _p95(call: Callable[[], None]) -> float:
    for _ in range(10):
        call()
    took = []
    for _ in range(REQUESTS):
        began = time.process_time()
        call()
        took.append(time.process_time() - began)
    return statistics.quantiles(took, n=20)[-1] * 1000


def rows() -> Iterable[Row]:
    many, one = [], []
    for _ in range(2):
        many.append(in_child(pages, MANY))
        one.append(in_child(pages, 1))
    for place, name in enumerate(("signed-in page, p95", "patient's link page, p95")):
        mine, peer = min(turn[place] for turn in many), min(turn[place] for turn in one)
        yield Row(f"{name}, {MANY:,} practices", mine, "one practice", peer, "ms", 1.2)
    slow, quick = side_by_side(lambda: in_child(migration, MANY), lambda: in_child(migration, 1))
    yield Row(f"migration, {MANY:,} practices", slow, "one practice", quick, "ms", 1.1)
