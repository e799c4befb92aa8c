"""What row-level security costs on PostgreSQL: the same transactions with the policies and without.

100,000 patients in 100 practices. Without means: the policies off on every table, and nothing told of the practice;
the session's own guard works on both sides. Counted is the processor time of both ends, ours and the server's process
of the connection. The practice travels in the message of the first statement, so there is no round trip to add: each
side's messages are counted, and one of ours too many would fail the row. The goal is what row-level security may cost
beyond the round trip that it usually takes; so the smallest transaction, in which that weighs most, stands beside the
same with such a round trip and no policies, too.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from benchmarks.measure import REPEATS, Row, cpu_of_process, in_child

PRACTICES: Final = 100
PATIENTS: Final = 1000
GOAL: Final = 1.05

FILL: Final = (
    """
    INSERT INTO core_practice
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'slug', 'practice-' || n))).*
    FROM core_practice p, generate_series(1, :practices) n WHERE p.slug = 'riverside'
    """,
    """
    INSERT INTO core_patient
    SELECT (jsonb_populate_record(p, jsonb_build_object(
        'practice_id', c.id, 'id', gen_random_uuid(),
        'family_name', 'Name' || n % 97, 'search_name', 'name' || n % 97 || ' of ' || n))).*
    FROM core_practice c, generate_series(1, :patients) n, core_patient p
    WHERE c.slug LIKE 'practice-%' AND p.family_name = 'Whitfield'
    """,
    """
    INSERT INTO core_patient_search_word (practice_id, id, patient_id, word)
    SELECT practice_id, gen_random_uuid(), id, unnest(string_to_array(search_name, ' '))
    FROM core_patient WHERE family_name LIKE 'Name%'
    """,
    "ANALYZE",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one transaction: microseconds of processor time, and messages sent to the server."""

    spent: float
    messages: int


def by_key(practice_id: UUID, patient_id: UUID) -> None:
    """The smallest transaction that there is: what is said of the practice weighs most here."""
    from core import db
    from core.patients import Patient

    with db.scope(practice_id, write=False):
        assert db.get(Patient, patient_id) is not None


def first_page(practice_id: UUID, patient_id: UUID) -> None:
    """The first 25 of 1,000 patients by name, with their identifiers, and how many there are."""
    from core import patients, tenancy

    with tenancy.practice_scope(practice_id, write=False):
        assert len(patients.search("", 25)) == 25
        assert patients.count("") == PATIENTS


def search(practice_id: UUID, patient_id: UUID) -> None:
    """How many patients have a word that begins so: a range in the index of words."""
    from core import patients, tenancy

    with tenancy.practice_scope(practice_id, write=False):
        assert patients.count("name9") > 50


WORK: Final[dict[str, tuple[str, Callable[[UUID, UUID], None], int]]] = {
    "by_key": ("a patient by key, alone in a transaction", by_key, 150),
    "first_page": ("25 of 1,000 patients by name, and their number", first_page, 30),
    "search": ("search by the beginning of a name", search, 60),
}


def costs(secured: str, open_to_all: str, name: str, peer_side: str) -> tuple[Cost, Cost]:
    """Of a transaction of this name, ours and the peer's, in this process and in its connection's on the server.

    The two sides take short turns in one process, and the pair of turns with the median ratio counts: a policy costs
    microseconds, and what the machine's neighbours do in the meantime costs more.
    """
    turns = [
        (_turn(secured, name, "secured"), _turn(open_to_all, name, peer_side)) for _ in range(5 * REPEATS)
    ]
    return sorted(turns, key=lambda turn: turn[0].spent / turn[1].spent)[len(turns) // 2]


def _turn(url: str, name: str, side: str) -> Cost:
    """side: "secured"; "bare": nothing is told of the practice; "told": a message tells, and no policy reads it."""
    from core import db, settings
    from core.db import fence
    from core.patients import Patient
    from core.tenancy import Practice
    from tests.support.databases import settings_for

    engine = db.configure(settings.configure(settings_for(url, Path())))
    with db.scope(across_practices=True, write=False) as session:
        practice_id = session.query(Practice.id).filter_by(slug="practice-7").scalar()
        server = Session.connection(session).exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with db.scope(practice_id, write=False) as session:
        patient_id = session.query(Patient.id).order_by(Patient.id).limit(1).scalar()
    if side != "secured":
        event.remove(engine, "before_cursor_execute", fence._tell)
    if side == "told":
        event.listen(engine, "begin", partial(_tell_alone, practice_id))
    _label, work, calls = WORK[name]
    for _ in range(5):
        work(practice_id, patient_id)
    with _messages(engine) as messages:
        work(practice_id, patient_id)
    began = time.process_time() + cpu_of_process(server)
    for _ in range(calls):
        work(practice_id, patient_id)
    spent = (time.process_time() + cpu_of_process(server) - began) / calls
    db.dispose()
    return Cost(spent * 1e6, len(messages))


def _tell_alone(practice_id: UUID, connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT set_config('careroom.practice_id', '{practice_id}', true)")


@contextmanager
def _messages(engine: Any) -> Iterator[list[str]]:
    sent: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "after_cursor_execute", hear)
    yield sent
    event.remove(engine, "after_cursor_execute", hear)


@contextmanager
def _as_owner(url: str) -> Iterator[Connection]:
    from tests.support.databases import owner_url

    engine = create_engine(owner_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _without_policies(url: str) -> None:
    from core.db import rls

    with _as_owner(url) as connection:
        for table in rls.tables(connection):
            connection.execute(
                text(f"ALTER TABLE {table.quoted} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
            )


def rows() -> list[Row]:
    """A row for each kind of transaction."""
    from tests.support.databases import PostgresTemplate
    from tests.support.servers import postgresql

    with tempfile.TemporaryDirectory() as name, postgresql() as server:
        folder = Path(name)
        template = PostgresTemplate(server, folder, seeded=True)
        url = template.url.set(database=template.name).render_as_string(hide_password=False)
        with _as_owner(
            url
        ) as connection:  # filled once: both sides have the same rows and the same statistics
            for statement in FILL:
                wanted = {"practices": PRACTICES, "patients": PATIENTS}
                asked = {key: value for key, value in wanted.items() if f":{key}" in statement}
                connection.execute(text(statement), asked)
        with template.copy(folder) as secured, template.copy(folder) as open_to_all:
            _without_policies(open_to_all)
            bare = [_row(kind, "bare", secured, open_to_all) for kind in WORK if kind != "by_key"]
            return [_row("by_key", "told", secured, open_to_all), *bare]


def _row(kind: str, peer_side: str, secured: str, open_to_all: str) -> Row:
    ours, peer = in_child(costs, secured, open_to_all, kind, peer_side)
    sent, peers = ours.messages, peer.messages
    assert sent == peers - (peer_side == "told"), "row-level security costs a message of its own"
    beside = (
        "no policies, a round trip for the practice" if peer_side == "told" else "the same without policies"
    )
    note = f"{sent} messages, the peer's {peers}"
    return Row(f"row-level security: {WORK[kind][0]}", ours.spent, beside, peer.spent, "us", GOAL, note)
