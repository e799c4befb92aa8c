"""The outbox: how quickly eight workers claim 10,000 waiting messages, none twice, and how long a message waits.

Claims are measured by the wall, from the moment all eight begin until the last finds nothing: what limits them is the
database's locks and commits. Beside them, in the same turn, stands the same statement without the platform.
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import REPEATS, Row, in_child

MESSAGES: Final = 10_000
WORKERS: Final = 8
AT_ONCE: Final = 6  # as many as a worker has hands for messages
SINGLE: Final = 40
LIMIT_US: Final = 1000.0  # 1,000 claims a second

_BARE: Final = """
    UPDATE core_notification SET state = 'sending', lease_until = {later}, attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM core_notification WHERE state = 'queued' AND due_at <= {now} ORDER BY due_at LIMIT {limit} {skip}
    )
    RETURNING id
"""


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a migrated database."""
    from tests.support.databases import PostgresTemplate, SqliteTemplate
    from tests.support.servers import postgresql

    if kind == "SQLite":
        with SqliteTemplate(folder, seeded=False).copy(folder) as url:
            yield url
        return
    with postgresql() as server, PostgresTemplate(server, folder, seeded=False).copy(folder) as url:
        yield url


def fill(url: str, folder: str) -> None:
    """A practice and so many messages that are due."""
    from core import db, settings, tenancy
    from core.notifications import Notification
    from tests.support.databases import settings_for

    db.configure(settings.configure(settings_for(url, Path(folder))))
    with db.scope() as session:
        practice = tenancy.create_practice("bench", "Bench")
        session.flush()
        practice_id = practice.id
    now = db.utcnow()
    for _batch in range(MESSAGES // 1000):
        with db.scope(practice_id) as session:
            session.add_all(
                Notification(
                    channel="sms",
                    template="core.bench",
                    recipient="+447700900123",
                    language="en",
                    body="Riverside Surgery asks you to send photos: https://care.example/l/0123456789abcdef",
                    segments=1,
                    expires_at=now.replace(year=now.year + 1),
                )
                for _each in range(1000)
            )


def claim_ours(url: str, folder: str, start: Any, answers: Any) -> None:
    """Claim until there is nothing left, as a worker's lane does."""
    from sqlalchemy.exc import OperationalError

    from core import db, settings
    from core.notifications import Postman
    from tests.support.databases import settings_for

    chosen = settings.configure(settings_for(url, Path(folder)))
    db.configure(chosen)
    postman, claimed = Postman(chosen), []
    with db.scope(write=False):
        pass  # connected
    start.wait()
    began = time.monotonic()
    while True:
        try:
            found = postman.claim(AT_ONCE)
        except OperationalError:
            continue  # SQLite's lock is not fair: a worker that got none for five seconds tries again
        if not found:
            break
        claimed += [notification_id.hex for _practice_id, notification_id in found]
    answers.put((began, time.monotonic(), claimed))


def claim_bare(url: str, folder: str, start: Any, answers: Any) -> None:
    """The same with one statement and no platform: by the driver, with its own transactions."""
    bare = _bare_sqlite if url.startswith("sqlite") else _bare_postgresql
    bare(url, start, answers)


def _bare_sqlite(url: str, start: Any, answers: Any) -> None:
    import sqlite3

    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    later, now = "datetime('now', '+120 seconds')", "datetime('now', '+1 minute')"
    statement, claimed = _BARE.format(later=later, now=now, limit=AT_ONCE, skip=""), []
    start.wait()
    began = time.monotonic()
    while True:
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute(statement).fetchall()
        connection.execute("COMMIT")
        if not found:
            break
        claimed += [row[0] for row in found]
    answers.put((began, time.monotonic(), claimed))


def _bare_postgresql(url: str, start: Any, answers: Any) -> None:
    import psycopg2
    from sqlalchemy import make_url

    from core.db.fence import ACROSS_SUFFIX

    at = make_url(url)
    connection = psycopg2.connect(
        host=at.host, port=at.port, dbname=at.database, user=at.username, password=at.password
    )
    later = "now() + interval '120 seconds'"
    statement = _BARE.format(later=later, now="now()", limit=AT_ONCE, skip="FOR UPDATE SKIP LOCKED")
    statement, claimed = f'SET LOCAL ROLE "{at.username}{ACROSS_SUFFIX}"; {statement}', []
    cursor = connection.cursor()
    start.wait()
    began = time.monotonic()
    while True:
        cursor.execute(statement)
        found = cursor.fetchall()
        connection.commit()
        if not found:
            break
        claimed += [row[0] for row in found]
    connection.close()
    answers.put((began, time.monotonic(), claimed))


def race(kind: str, claim: Any) -> float:
    """Microseconds a claim, of eight processes together. Asserts that each message was claimed once."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
        in_child(fill, url, folder)
        start, answers = context.Barrier(WORKERS), context.Queue()
        workers = [
            context.Process(target=claim, args=(url, folder, start, answers)) for _each in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        told = [answers.get(timeout=120) for _each in workers]
        for worker in workers:
            worker.join()
    claimed = [each for _began, _ended, ids in told for each in ids]
    twice = len(claimed) - len(set(claimed))
    assert (len(claimed), twice) == (MESSAGES, 0), (
        f"{twice} claimed twice, {MESSAGES - len(claimed)} not at all"
    )
    took = max(ended for _began, ended, _ids in told) - min(began for began, _ended, _ids in told)
    return float(took / MESSAGES * 1e6)


def wait(url: str, folder: str) -> list[float]:
    """Milliseconds from the commit of a message to the moment at which another process's provider took it."""
    from tests.core.jobs.test_worker import workers
    from tests.peers.clinic import open_clinic

    with open_clinic(url, Path(folder)) as clinic, workers(clinic):
        ids = []
        time.sleep(3)  # it idles by now
        for _each in range(SINGLE):
            ids += clinic.send()
            time.sleep(0.13)
        time.sleep(3)
        rows = [clinic.message(each) for each in ids]
        return [(row.sent_at - row.created_at).total_seconds() * 1000 for row in rows if row.sent_at]


def rows() -> Iterable[Row]:
    for kind in ("PostgreSQL", "SQLite"):
        turns = [(race(kind, claim_ours), race(kind, claim_bare)) for _each in range(REPEATS)]
        ours, bare = (statistics.median(side) for side in zip(*turns, strict=True))
        note = f"{1e6 / ours:,.0f}/s by {WORKERS} processes, 0 twice; bare SQL {1e6 / bare:,.0f}/s"
        yield Row(f"outbox claim, {kind}", ours, "1,000 claims/s", LIMIT_US, "µs", 1.0, note)
    with tempfile.TemporaryDirectory() as folder, database("SQLite", Path(folder)) as url:
        waits = sorted(partial(in_child, wait, url, folder)())
    assert len(waits) == SINGLE, "a message was not handed over"
    p95 = waits[int(len(waits) * 0.95) - 1]
    note = f"p95 of {SINGLE}, another process writes; median {statistics.median(waits):.0f} ms"
    yield Row("message to hand-over", p95, "95 % in 10 s", 10_000.0, "ms", 1.0, note)
