"""Reads an SQL statement of a migration: what it does to which table, and which locks PostgreSQL takes for it.

Only what migrations are made of is understood. What is not is said to be unknown, and whoever has to be sure (a
plugin's revision must keep to its own tables) refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["reads", "changes", "unknown"]

ACCESS_EXCLUSIVE: Final = "ACCESS EXCLUSIVE"
SHARE_ROW_EXCLUSIVE: Final = "SHARE ROW EXCLUSIVE"
SHARE: Final = "SHARE"
SHARE_UPDATE_EXCLUSIVE: Final = "SHARE UPDATE EXCLUSIVE"
ROW_EXCLUSIVE: Final = "ROW EXCLUSIVE"
ROW_SHARE: Final = "ROW SHARE"

HOLDS_UP: Final = {
    ACCESS_EXCLUSIVE: "nobody can read or write it",
    SHARE_ROW_EXCLUSIVE: "nobody can write to it",
    SHARE: "nobody can write to it",
    SHARE_UPDATE_EXCLUSIVE: "everybody goes on",
    ROW_EXCLUSIVE: "everybody goes on, but for the same rows",
    ROW_SHARE: "everybody goes on",
}


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a table that was there before, held until the migration's transaction ends."""

    table: str
    mode: str


@dataclass(frozen=True, slots=True)
class Read:
    """What a statement does. tables: those that it changes, or that it makes (``makes``); of an index without a table
    ``index`` names it. scans, rewrites: it reads, or writes anew, the whole of ``tables[0]``. names: of indexes and
    constraints that it makes. drops: the tables go; dropped: constraints that go. Where those are foreign keys,
    PostgreSQL locks the tables that they lead to as well: the catalogue knows which (see :mod:`core.db.plan`)."""

    kind: Kind
    tables: tuple[str, ...] = ()
    locks: tuple[Lock, ...] = ()
    makes: bool = False
    scans: bool = False
    rewrites: bool = False
    index: str | None = None
    names: tuple[str, ...] = ()
    drops: bool = False
    dropped: tuple[str, ...] = ()


_NAME: Final = r'(?:"[^"]+"|[A-Za-z_][\w$]*)'
_QUALIFIED: Final = rf"(?:{_NAME}\.)?({_NAME})"
_UNKNOWN: Final = Read("unknown")
_READS: Final = Read("reads")
_VOLATILE: Final = re.compile(
    r"\b(random|gen_random_uuid|uuid_generate_v\d\w*|clock_timestamp|timeofday|nextval)\s*\(|"
    r"\b(GENERATED|SERIAL|BIGSERIAL|SMALLSERIAL|IDENTITY)\b",
    re.IGNORECASE,
)


def split(sql: str) -> list[str]:
    """The statements of a text, without comments and without what follows the last semicolon if that is nothing."""
    pieces, current = [], ""
    for token in _tokens(sql):
        if token == ";":
            pieces.append(current)
            current = ""
        elif token.startswith(("--", "/*")):
            current += " "
        else:
            current += token
    pieces.append(current)
    return [piece.strip() for piece in pieces if piece.strip()]


def _tokens(sql: str) -> Iterator[str]:
    pattern = r"'(?:[^']|'')*'|\"[^\"]*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|--[^\n]*|/\*.*?\*/|."
    return (found.group(0) for found in re.finditer(pattern, sql, re.DOTALL))


def read(statement: str) -> Read:
    """What this one statement (see :func:`split`) does."""
    text = " ".join(statement.split())
    if _matches(r"(SELECT|SHOW|EXPLAIN|VALUES|PRAGMA|SAVEPOINT|RELEASE|ROLLBACK TO|BEGIN|COMMIT)\b", text):
        changing = re.search(r"\b(INTO|nextval|setval|set_config|lo_\w+|pg_\w*advisory\w*|dblink\w*)\b", text)
        return _UNKNOWN if text.upper().startswith("SELECT") and changing else _READS
    for pattern, reader in _READERS:
        if found := _matches(pattern, text):
            return reader(text, found)
    return _UNKNOWN


def _matches(pattern: str, text: str) -> re.Match[str] | None:
    return re.match(pattern, text, re.IGNORECASE)


def _plain(name: str) -> str:
    return name.strip('"') if name.startswith('"') else name.lower()


def _create_table(text: str, found: re.Match[str]) -> Read:
    made = _plain(found[1])
    referred = sorted({_plain(name) for name in _references(text)} - {made})
    locks = tuple(Lock(name, SHARE_ROW_EXCLUSIVE) for name in referred)
    return Read("changes", (made,), locks, makes=True, names=_constraint_names(text))


def _drop_table(text: str, found: re.Match[str]) -> Read:
    names = re.sub(r"\s+(CASCADE|RESTRICT)$", "", found[1], flags=re.IGNORECASE)
    if re.search(r"\bCASCADE$", text, re.IGNORECASE):
        return _UNKNOWN  # it takes along what others have
    tables = tuple(_plain(name.split(".")[-1].strip()) for name in names.split(","))
    return Read("changes", tables, tuple(Lock(table, ACCESS_EXCLUSIVE) for table in tables), drops=True)


def _create_index(text: str, found: re.Match[str]) -> Read:
    name, table = found["name"], _plain(found["table"])
    mode = SHARE_UPDATE_EXCLUSIVE if found["concurrently"] else SHARE
    names = (_plain(name),) if name else ()
    return Read("changes", (table,), (Lock(table, mode),), scans=True, names=names)


def _drop_index(text: str, found: re.Match[str]) -> Read:
    return Read("changes", index=_plain(found[1]))


def _alter_table(text: str, found: re.Match[str]) -> Read:
    table, rest = _plain(found[1]), found[2]
    read_parts = [_alteration(table, part) for part in _actions(rest)]
    if any(part.kind == "unknown" for part in read_parts):
        return _UNKNOWN
    locks: dict[str, str] = {}
    for lock in (lock for part in read_parts for lock in part.locks):
        locks[lock.table] = stronger(locks.get(lock.table), lock.mode)
    return Read(
        "changes",
        tuple(dict.fromkeys(table for part in read_parts for table in part.tables)),
        tuple(Lock(*pair) for pair in locks.items()),
        scans=any(part.scans for part in read_parts),
        rewrites=any(part.rewrites for part in read_parts),
        names=tuple(name for part in read_parts for name in part.names),
        dropped=tuple(name for part in read_parts for name in part.dropped),
    )


def _alteration(table: str, action: str) -> Read:
    """One action of ALTER TABLE."""
    exclusive = (Lock(table, ACCESS_EXCLUSIVE),)
    if _matches(r"ADD (CONSTRAINT|FOREIGN|UNIQUE|PRIMARY|CHECK|EXCLUDE)\b", action):
        return _add_constraint(table, action)
    if _matches(r"ADD\b", action):
        referred = tuple(Lock(_plain(name), SHARE_ROW_EXCLUSIVE) for name in _references(action))
        rewrites = _VOLATILE.search(action) is not None
        scans = rewrites or re.search(r"\b(UNIQUE|PRIMARY KEY|CHECK)\b", action, re.IGNORECASE) is not None
        return Read("changes", (table,), exclusive + referred, scans=scans, rewrites=rewrites)
    if _matches(r"VALIDATE CONSTRAINT\b", action):
        return Read("changes", (table,), (Lock(table, SHARE_UPDATE_EXCLUSIVE),), scans=True)
    if _matches(rf"ALTER (COLUMN )?{_NAME} (SET DATA )?TYPE\b", action):
        return Read("changes", (table,), exclusive, scans=True, rewrites=True)
    if _matches(rf"ALTER (COLUMN )?{_NAME} SET NOT NULL", action):
        return Read("changes", (table,), exclusive, scans=True)
    if _matches(rf"ALTER (COLUMN )?{_NAME} (SET STATISTICS)\b", action):
        return Read("changes", (table,), (Lock(table, SHARE_UPDATE_EXCLUSIVE),))
    if gone := _matches(rf"DROP CONSTRAINT (?:IF EXISTS )?({_NAME})(?: RESTRICT)?$", action):
        return Read("changes", (table,), exclusive, dropped=(_plain(gone[1]),))
    if renamed := _matches(rf"RENAME TO ({_NAME})", action):
        return Read("changes", (table, _plain(renamed[1])), exclusive)
    known = r"(DROP (COLUMN|CONSTRAINT)?|ALTER|RENAME|ENABLE ROW|DISABLE ROW|FORCE ROW|NO FORCE ROW)\b"
    if _matches(known, action) and not re.search(r"\bCASCADE$", action, re.IGNORECASE):
        return Read("changes", (table,), exclusive)
    return _UNKNOWN


def _add_constraint(table: str, action: str) -> Read:
    names = _constraint_names(action)
    not_valid = re.search(r"\bNOT VALID$", action, re.IGNORECASE) is not None
    if re.search(r"\bFOREIGN KEY\b", action, re.IGNORECASE):
        referred = tuple(_plain(name) for name in _references(action))
        locks = tuple(Lock(name, SHARE_ROW_EXCLUSIVE) for name in dict.fromkeys((table, *referred)))
        return Read("changes", (table,), locks, scans=not not_valid, names=names)
    scans = not not_valid and not re.search(r"\bUSING INDEX\b", action, re.IGNORECASE)
    return Read("changes", (table,), (Lock(table, ACCESS_EXCLUSIVE),), scans=scans, names=names)


def _rows(text: str, found: re.Match[str]) -> Read:
    table = _plain(found[1])
    scans = not text.upper().startswith("INSERT")
    return Read("changes", (table,), (Lock(table, ROW_EXCLUSIVE),), scans=scans)


def _truncate(text: str, found: re.Match[str]) -> Read:
    if re.search(r"\bCASCADE$", text, re.IGNORECASE):
        return _UNKNOWN
    tables = tuple(_plain(name.split(".")[-1].strip()) for name in found[1].split(","))
    return Read("changes", tables, tuple(Lock(table, ACCESS_EXCLUSIVE) for table in tables))


def _exclusive(text: str, found: re.Match[str]) -> Read:
    table = _plain(found[1])
    return Read("changes", (table,), (Lock(table, ACCESS_EXCLUSIVE),))


def _comment(text: str, found: re.Match[str]) -> Read:
    table = _plain(found["table"] or found["of_column"])
    return Read("changes", (table,), (Lock(table, SHARE_UPDATE_EXCLUSIVE),))


def _grant(text: str, found: re.Match[str]) -> Read:
    return Read("changes", (_plain(found[1]),))


def _references(text: str) -> list[str]:
    return re.findall(rf"\bREFERENCES {_QUALIFIED}", text, re.IGNORECASE)


def _constraint_names(text: str) -> tuple[str, ...]:
    return tuple(_plain(name) for name in re.findall(rf"\bCONSTRAINT ({_NAME})", text, re.IGNORECASE))


def _actions(text: str) -> list[str]:
    """The comma-separated actions of ALTER TABLE; commas within parentheses separate nothing."""
    actions, depth, current = [], 0, ""
    for token in _tokens(text):
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            actions.append(current.strip())
            current = ""
        else:
            current += token
    return [*actions, current.strip()]


_ORDER: Final = (
    ROW_SHARE,
    ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    SHARE,
    SHARE_ROW_EXCLUSIVE,
    ACCESS_EXCLUSIVE,
)


def stronger(one: str | None, other: str) -> str:
    """Of two modes the one that holds up more."""
    return other if one is None else max(one, other, key=_ORDER.index)


_READERS: Final = (
    (rf"CREATE TABLE (?:IF NOT EXISTS )?{_QUALIFIED}", _create_table),
    (r"DROP TABLE (?:IF EXISTS )?(.+)$", _drop_table),
    (
        rf"CREATE (?:UNIQUE )?INDEX (?P<concurrently>CONCURRENTLY )?(?:IF NOT EXISTS )?(?:(?P<name>{_NAME}) )?"
        rf"ON (?:ONLY )?(?:{_NAME}\.)?(?P<table>{_NAME})",
        _create_index,
    ),
    (rf"DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?{_QUALIFIED}$", _drop_index),
    (rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{_QUALIFIED} (.+)$", _alter_table),
    (rf"INSERT INTO {_QUALIFIED}", _rows),
    (rf"UPDATE (?:ONLY )?{_QUALIFIED}", _rows),
    (rf"DELETE FROM (?:ONLY )?{_QUALIFIED}", _rows),  # noqa: S608 - a pattern, not a statement
    (r"TRUNCATE (?:TABLE )?(?:ONLY )?(.+)$", _truncate),
    (rf"(?:CREATE|DROP|ALTER) POLICY (?:IF EXISTS )?{_NAME} ON {_QUALIFIED}", _exclusive),
    (
        rf"COMMENT ON (?:TABLE (?:{_NAME}\.)?(?P<table>{_NAME})|COLUMN (?P<of_column>{_NAME})\.{_NAME}) IS",
        _comment,
    ),
    (rf"(?:GRANT|REVOKE) .+? ON (?:TABLE )?{_QUALIFIED} (?:TO|FROM)\b", _grant),
)
