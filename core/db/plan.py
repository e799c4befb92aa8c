"""What a migration would do, said before it does it: statements, locks, rows in its way, and what is left over.

Nothing is changed. See :func:`core.db.migrate.foresee` for how the statements are found out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Inspector, inspect, text

from core.db import migrate, ownership, statements, stepping
from core.db.engine import engine
from core.db.statements import Lock

_NAMES = r"\(([^()]*)\)"


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement. locks: on tables that are there now; rows: how many each of them has. scans and rewrites: of the
    first table; None where that table is new."""

    sql: str
    locks: tuple[Lock, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    scans: str | None = None
    rewrites: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A revision and its statements."""

    branch: str
    revision: str
    message: str
    statements: tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that rows will have to keep to. kind: "NOT NULL", "UNIQUE" or "FOREIGN KEY"."""

    kind: str
    table: str
    columns: tuple[str, ...]
    referred: str = ""
    referred_columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        target = f" -> {self.referred}({', '.join(self.referred_columns)})" if self.referred else ""
        return f"{self.kind} {self.table}({', '.join(self.columns)}){target}"


@dataclass(frozen=True, slots=True)
class Plan:
    """orphans: table -> rows, of plugins that are not installed. unknown: revisions of the database that no code here
    has. broken: rule -> rows that break it now, so that the migration would fail. unforeseen: why not everything could
    be found out, "" when it could."""

    kind: str
    direction: stepping.Direction
    target: str
    steps: tuple[PlannedStep, ...]
    orphans: dict[str, int]
    unknown: tuple[str, ...]
    broken: dict[Rule, int]
    blocking: tuple[str, ...]
    unforeseen: str = ""


def make(branches: migrate.Branches, direction: stepping.Direction = "up", target: str = "heads") -> Plan:
    """Find out what going up or down to ``target`` would do. Raises stepping.NotItsOwn, alembic's CommandError."""
    kind, unforeseen = engine().dialect.name, ""
    unknown = tuple(sorted(migrate.applied() - migrate.known(branches)))
    steps: list[stepping.Step] = []
    if set(unknown) - migrate.strangers(branches, unknown) and direction == "up":
        unforeseen = "the database stands at revisions that this code does not have"
    else:
        try:
            steps = migrate.foresee(branches, direction, target)
        except stepping.CannotForesee as error:
            unforeseen = str(error)
    rules = _rules(kind, steps, branches, direction, target)
    with migrate.reading() as connection:
        there = set(inspect(connection).get_table_names())
        counts = {table: _count(connection, table) for table in sorted(there)}
        keys, indexes = _foreign_keys(inspect(connection)), ownership.named_in(connection)
        planned = tuple(
            PlannedStep(
                step.branch, step.revision, step.message, tuple(_planned(kind, step, counts, keys, indexes))
            )
            for step in steps
        )
        return Plan(
            kind,
            direction,
            target,
            planned,
            {table: counts[table] for table in sorted(there) if ownership.owner_of(table, branches) is None},
            unknown,
            dict(_broken(connection, rules)),
            tuple(ownership.blocking_keys(connection)),
            unforeseen,
        )


ForeignKeys = dict[str, list[tuple[str, str]]]


def _foreign_keys(looked: Inspector) -> ForeignKeys:
    """Table -> (name of the key, table that it leads to)."""
    return {
        table: [(str(key["name"]), key["referred_table"]) for key in looked.get_foreign_keys(table)]
        for table in looked.get_table_names()
    }


def _also_locked(read: statements.Read, keys: ForeignKeys, indexes: dict[str, str]) -> Iterator[Lock]:
    """What the statement alone does not tell: with a foreign key go triggers of the table that it leads to, and an
    index does not say whose it is."""
    if read.index in indexes:
        yield Lock(indexes[read.index], statements.ACCESS_EXCLUSIVE)
    for table in read.tables:
        for name, referred in keys.get(table, []):
            if read.drops or name in read.dropped:
                yield Lock(referred, statements.ACCESS_EXCLUSIVE)


def _planned(
    kind: str, step: stepping.Step, counts: dict[str, int], keys: ForeignKeys, indexes: dict[str, str]
) -> Iterator[Planned]:
    for sql in step.statements:
        reads = [statements.read(one) for one in statements.split(sql)]
        locks = dict[str, str]()
        for lock in (lock for one in reads for lock in (*one.locks, *_also_locked(one, keys, indexes))):
            if lock.table not in counts:
                continue  # it is made by this very plan: nobody waits for it
            locks[lock.table] = statements.stronger(locks.get(lock.table), lock.mode)
        changed = next((one for one in reads if one.kind == "changes"), None)
        first = changed.tables[0] if changed is not None and changed.tables else None
        known = first if first in counts else None
        yield Planned(
            sql,
            tuple(Lock(*pair) for pair in locks.items()) if kind == "postgresql" else (),
            {name: counts[name] for name in {*locks, *([known] if known else [])}},
            known if changed is not None and changed.scans else None,
            known if changed is not None and changed.rewrites else None,
        )


def _count(connection: Connection, table: str) -> int:
    quoted = connection.dialect.identifier_preparer.quote(table)
    return int(connection.scalar(text(f"SELECT count(*) FROM {quoted}")) or 0)  # noqa: S608 - quoted


# --- rows that a new rule would trip over ------------------------------------------------------------------------


def _rules(
    kind: str,
    steps: list[stepping.Step],
    branches: migrate.Branches,
    direction: stepping.Direction,
    target: str,
) -> list[Rule]:
    if not steps:
        return []
    if kind == "sqlite":
        # It makes tables anew to change them, so statements tell little: the tables afterwards tell all.
        with migrate.schema_copy() as copy:
            stepping.run(migrate.config(branches, copy), copy, direction, target, branches)
            found = _rules_of(inspect(copy))
    else:
        found = {rule for step in steps for sql in step.statements for rule in _rules_in(sql)}
    with migrate.reading() as connection:
        return sorted(found - _rules_of(inspect(connection)), key=str)


def _rules_of(looked: Inspector) -> set[Rule]:
    found: set[Rule] = set()
    for table in looked.get_table_names():
        for column in looked.get_columns(table):
            if not column["nullable"]:
                found.add(Rule("NOT NULL", table, (column["name"],)))
        for unique in looked.get_unique_constraints(table):
            found.add(Rule("UNIQUE", table, tuple(unique["column_names"])))
        for index in looked.get_indexes(table):
            if index["unique"] and None not in index["column_names"] and not _is_partial(index):
                found.add(Rule("UNIQUE", table, tuple(str(name) for name in index["column_names"])))
        for key in looked.get_foreign_keys(table):
            found.add(
                Rule(
                    "FOREIGN KEY",
                    table,
                    tuple(key["constrained_columns"]),
                    key["referred_table"],
                    tuple(key["referred_columns"]),
                )
            )
    return found


def _is_partial(index: object) -> bool:
    options = dict(index).get("dialect_options") or {}  # type: ignore[call-overload]
    return any(str(name).endswith("_where") for name in options)


def _rules_in(sql: str) -> Iterator[Rule]:
    """What a statement of PostgreSQL asks of the rows of a table that is there."""
    for statement in statements.split(sql):
        told = " ".join(statement.split())
        read = statements.read(statement)
        if read.kind != "changes" or read.makes or not read.tables:
            continue
        table = read.tables[0]
        for found in re.finditer(rf"FOREIGN KEY ?{_NAMES} REFERENCES (\S+?) ?{_NAMES}", told, re.IGNORECASE):
            yield Rule("FOREIGN KEY", table, _columns(found[1]), found[2].strip('"'), _columns(found[3]))
        for found in re.finditer(rf"\bADD (?:CONSTRAINT \S+ )?UNIQUE ?{_NAMES}", told, re.IGNORECASE):
            yield Rule("UNIQUE", table, _columns(found[1]))
        if index := re.match(
            rf"CREATE UNIQUE INDEX .+? ON \S+ ?(?:USING \w+ )?{_NAMES}$", told, re.IGNORECASE
        ):
            yield Rule("UNIQUE", table, _columns(index[1]))
        for found in re.finditer(r"\bALTER (?:COLUMN )?(\S+) SET NOT NULL", told, re.IGNORECASE):
            yield Rule("NOT NULL", table, _columns(found[1]))
        added = re.search(r"\bADD (?:COLUMN )?(\S+) .*\bNOT NULL\b", told, re.IGNORECASE)
        if added and not re.search(
            r"\bDEFAULT\b|\bGENERATED\b|\bSERIAL\b|\bCONSTRAINT\b", told, re.IGNORECASE
        ):
            yield Rule("NOT NULL", table, _columns(added[1]))


def _columns(names: str) -> tuple[str, ...]:
    return tuple(name.strip().strip('"') for name in names.split(","))


def _broken(connection: Connection, rules: list[Rule]) -> Iterator[tuple[Rule, int]]:
    looked = inspect(connection)
    there = {table: {c["name"] for c in looked.get_columns(table)} for table in looked.get_table_names()}
    for rule in rules:
        if rule.table not in there:
            continue
        missing = set(rule.columns) - there[rule.table]
        if missing and rule.kind != "NOT NULL":
            continue  # a new column: it has no values yet
        if missing:
            if (count := _count(connection, rule.table)) and _fails_when_added(connection):
                yield rule, count
        elif count := int(connection.scalar(text(_breaking(connection, rule))) or 0):
            yield rule, count


def _fails_when_added(connection: Connection) -> bool:
    # SQLite's tables are read afterwards: there, a column with a default is NOT NULL as well.
    return connection.dialect.name == "postgresql"


def _breaking(connection: Connection, rule: Rule) -> str:
    """The query that counts the rows that break a rule. Every name in it is quoted."""
    quote = connection.dialect.identifier_preparer.quote
    table, columns = quote(rule.table), [quote(name) for name in rule.columns]
    filled = " AND ".join(f"one.{name} IS NOT NULL" for name in columns)
    if rule.kind == "NOT NULL":
        return f"SELECT count(*) FROM {table} one WHERE NOT ({filled})"  # noqa: S608
    if rule.kind == "UNIQUE":
        names = ", ".join(f"one.{name}" for name in columns)
        twice = (
            f"SELECT count(*) AS many FROM {table} one WHERE {filled} GROUP BY {names} HAVING count(*) > 1"  # noqa: S608
        )
        return f"SELECT sum(many) FROM ({twice}) twice"  # noqa: S608
    referred = zip(columns, (quote(name) for name in rule.referred_columns), strict=True)
    same = " AND ".join(f"other.{theirs} = one.{own}" for own, theirs in referred)
    target = quote(rule.referred)
    found = f"EXISTS (SELECT 1 FROM {target} other WHERE {same})"  # noqa: S608
    return f"SELECT count(*) FROM {table} one WHERE {filled} AND NOT {found}"  # noqa: S608
