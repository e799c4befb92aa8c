"""What a process remembers of which plugins are on: 10,000 practices with 40 different choices among 50 plugins.

Measured with tracemalloc, after every practice was asked for once, as what is then held and was not before. A third of
the practices have settings of their own, each different.
"""

import gc
import json
import random
import sqlite3
import tempfile
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.measure import Row, cpu_of_calls, in_child

PRACTICES: Final = 10_000
SETS: Final = 40
PLUGINS: Final = 50
LIMIT_MB: Final = 10.0
QUESTION_US: Final = 10.0


def remembered() -> tuple[float, float]:
    """Megabytes that are held for all practices, and microseconds of asking once more for one of them."""
    from uuid import UUID

    from core import db, settings, tenancy
    from core.db import guard
    from core.plugin_system import activation, registry, wiring
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for
    from tests.support.plugins import make

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            chosen = settings.configure(settings_for(url, folder))
            db.configure(chosen)
            wiring.start(chosen)
            registry.load(chosen, [make(f"x_{number:02}") for number in range(PLUGINS)])
            activation.forget()
            practice_id = house.make(chosen).riverside
            ids = _practices(url.removeprefix("sqlite:///"), practice_id.hex)
            _ask(ids[:50])  # whatever a first question makes for good
            activation.forget()
            gc.collect()
            tracemalloc.start()
            before, _peak = tracemalloc.get_traced_memory()
            sets = {_ask([each]) for each in ids}
            guard._only_of.cache_clear()  # the filters of the newest thousand practices are not what is measured
            gc.collect()
            after, _peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            if len(sets) != SETS:
                raise RuntimeError(f"{len(sets)} sets instead of {SETS}")
            with db.scope(UUID(hex=ids[-1]), write=False):
                _practice = tenancy.current()  # as a request holds it
                spent = cpu_of_calls(activation.enabled, 20_000)
            db.dispose()
    return (after - before) / 1024**2, spent * 1e6


def _ask(ids: list[str]) -> frozenset[str]:
    from uuid import UUID

    from core import db
    from core.plugin_system import activation

    on: frozenset[str] = frozenset()
    for each in ids:
        with db.scope(UUID(hex=each), write=False):
            on = activation.enabled()
            activation.stored_settings("x_00")
    return on


def _practices(path: str, like: str) -> list[str]:
    raw = sqlite3.connect(path)
    raw.row_factory = sqlite3.Row
    raw.execute("PRAGMA foreign_keys = OFF")
    place = dict(raw.execute("SELECT * FROM core_practice WHERE id = ?", (like,)).fetchone())
    columns = ", ".join(f":{column}" for column in place)
    ids = [f"{number:012x}{'b' * 20}" for number in range(PRACTICES)]
    raw.executemany(
        f"INSERT INTO core_practice VALUES ({columns})",
        [place | {"id": each, "slug": f"practice-{number}"} for number, each in enumerate(ids)],
    )
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
    stored: list[tuple[object, ...]] = []
    for number, practice_id in enumerate(ids):
        for plugin in _chosen(number % SETS):
            own = number % 3 == 0 and plugin == "x_00"
            values = {"guidance": f"Practice {number}: " + "please hold still. " * 10} if own else {}
            made = f"{len(stored):012x}{'c' * 20}"
            stored.append((practice_id, made, plugin, True, json.dumps(values), "1.0", "", "[]", 1, now, now))
    raw.executemany(
        "INSERT INTO core_practice_plugin (practice_id, id, name, enabled, settings, version, rule, agreed,"
        " settings_version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        stored,
    )
    raw.execute("ANALYZE")
    raw.commit()
    raw.close()
    return ids


def _chosen(number: int) -> list[str]:
    """One of the forty choices: a quarter of the plugins, and always the one with settings."""
    others = [f"x_{each:02}" for each in range(1, PLUGINS)]
    return ["x_00", *random.Random(number).sample(others, PLUGINS // 4)]


def rows() -> Iterable[Row]:
    megabytes, microseconds = in_child(remembered)
    name = f"activation of {PRACTICES:,} practices, {SETS} sets"
    yield Row(name, megabytes, "the limit", LIMIT_MB, "MB", 1.0, "tracemalloc")
    yield Row("which plugins are on, remembered", microseconds, "the limit", QUESTION_US, "us", 1.0)
