"""Finding patients among 100,000, beside SQLite asked directly for the same rows.

Ours is `patients.search` as the page uses it: reads what was typed, asks through the session and its guard, makes
objects with their identifiers. The peer sends the same statements, as they left SQLAlchemy, over `sqlite3` and takes
the tuples. So the ratio is what everything above the database costs.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event

from benchmarks.measure import Row, cpu_of_calls, in_child

PATIENTS: Final = 100_000
CALLS: Final = 20
SEARCHES: Final = (("name", "baker12"), ("name and birth year", "garcia 1956"), ("the list", ""))
_BORN: Final = date(1930, 1, 1)
_GIVEN: Final = (
    "ann",
    "ben",
    "chloe",
    "dan",
    "eva",
    "femi",
    "grace",
    "hugo",
    "iris",
    "jack",
    "kim",
    "leo",
    "mia",
)
_FAMILY: Final = (
    "abbott",
    "baker",
    "carter",
    "dubois",
    "evans",
    "fisher",
    "garcia",
    "hughes",
    "ito",
    "jones",
)


def searches() -> list[tuple[str, float, float, int]]:
    """Name, milliseconds of ours, of bare SQL, and how many are found, of each search."""
    with _house() as (path, practice_id):
        return [(name, *_measured(path, practice_id, query)) for name, query in SEARCHES]


def _measured(path: str, practice_id: UUID, query: str) -> tuple[float, float, int]:
    from core import db, patients

    def ours() -> int:
        # The scope is closed, not committed: what a search leaves on the audit trail is not part of finding.
        opened = db.open_scope(practice_id, write=False)
        found = patients.search(query)
        opened.close()
        return len(found)

    with _sent() as sent:
        count = ours()
    statements = [(said, values) for said, values in sent if "core_practice" not in said]
    raw = sqlite3.connect(path)

    def bare() -> None:
        for statement, parameters in statements:
            raw.execute(statement, parameters).fetchall()

    return cpu_of_calls(ours, CALLS) * 1000, cpu_of_calls(bare, CALLS) * 1000, count


@contextmanager
def _house() -> Iterator[tuple[str, UUID]]:
    """A practice of 100,000 patients in SQLite. The rows are written directly: this is about finding them."""
    from core import db, settings
    from core.plugin_system import wiring
    from core.tenancy import find_by_slug
    from tests.support.databases import SqliteTemplate, settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            path = url.removeprefix("sqlite:///")
            chosen = settings.configure(settings_for(url, folder))
            db.configure(chosen)
            wiring.start(chosen)
            with db.scope(write=False):
                practice_id = find_by_slug("riverside").id
            _fill(path, practice_id)
            yield path, practice_id
            db.dispose()


def _fill(path: str, practice_id: UUID) -> None:
    """Copies of a patient with names, dates of birth and search words of their own."""
    raw = sqlite3.connect(path)
    raw.row_factory = sqlite3.Row
    mine = (practice_id.hex,)
    person = dict(raw.execute("SELECT * FROM core_patient WHERE practice_id = ?", mine).fetchone())
    word = dict(raw.execute("SELECT * FROM core_patient_search_word WHERE practice_id = ?", mine).fetchone())
    people, words = [], []
    for number in range(PATIENTS):
        given = f"{_GIVEN[number % 13]}{number // 130 % 77}"
        family = f"{_FAMILY[number % 10]}{number // 10 % 1000}"
        id = f"{number + 1:032x}"
        people.append(
            person
            | {"id": id, "given_names": given.title(), "family_name": family.title()}
            | {"birth_date": str(_BORN + timedelta(days=number % 34_000)), "search_name": f"{family} {given}"}
        )
        for place, part in enumerate((given, family)):
            words.append(word | {"id": f"{place + 1}{number:031x}", "patient_id": id, "word": part})
    for table, made in (("core_patient", people), ("core_patient_search_word", words)):
        columns = ", ".join(f":{column}" for column in made[0])
        raw.executemany(f"INSERT INTO {table} VALUES ({columns})", made)
    raw.execute("ANALYZE")
    raw.commit()
    raw.close()


@contextmanager
def _sent() -> Iterator[list[tuple[str, Any]]]:
    """The statements that leave SQLAlchemy meanwhile."""
    from core import db

    sent: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    event.listen(db.engine(), "before_cursor_execute", hear)
    yield sent
    event.remove(db.engine(), "before_cursor_execute", hear)


def rows() -> Iterable[Row]:
    for name, ours, peer, found in in_child(searches):
        note = f"{found} shown"
        yield Row(f"{name} among {PATIENTS:,}", ours, "the same SQL by sqlite3", peer, "ms", 2.0, note)
