"""A practice's data of one plugin, or of all of them and the core, as one ZIP on disk.

Every row of every table that has a practice in it (a line of JSON each), every file decrypted, and what plugins add by
``export_practice``. It is found by the tables and so is whole, also for a plugin whose code is gone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from core import db, files, tenancy
from core.db import practice_rows
from core.files import BlobDamaged, FileMissing
from core.files.models import File
from core.patient_data import sources
from core.patient_data.archive import Archive, Member, Reading, pieces_of
from core.patient_data.collecting import Owned, as_json, file_pieces, placed
from core.patient_data.parts import FileRef, PracticeDataContext
from core.patient_data.sources import SourceFailed
from core.tenancy import Practice
from core.tenancy.switches import CORE

FORMAT: Final = 1
_BATCH: Final = 500
_README: Final = """{title}

tables/<table>.jsonl   every row, one JSON object a line
files/                 every file, decrypted; the file's id is its name
manifest.json          each file of this archive with its size and SHA-256

It holds personal data in the clear: keep it as you keep the medical records.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. counts: table -> rows, "files" among them. missing: ids of files that the store had lost."""

    path: Path
    sha256: str
    size: int
    counts: dict[str, int]
    missing: list[str]


def write(target: Path, practice: Practice, owners: Sequence[str]) -> Written:
    """Write the archive; it is there, whole and durable, on return, or not at all. Opens its own scopes.

    Raises FileExistsError, SourceFailed.
    """
    part = target.with_name(f"{target.name}.part")
    counts: dict[str, int] = {}
    missing: list[str] = []
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    try:
        with part.open("xb") as file:
            part.chmod(0o600)
            reading = Reading(stream(practice, owners, counts, missing))
            while piece := reading.read():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Written(target, reading.sha256(), reading.size, counts, missing)


def stream(
    practice: Practice,
    owners: Sequence[str],
    counts: dict[str, int],
    missing: list[str],
    told: Callable[[int], None] = lambda done: None,
) -> Iterator[bytes]:
    """The archive, piece by piece; fills counts and missing. told: hears after each member how many there were."""
    about = {
        "format": FORMAT,
        "kind": "practice",
        "practice": practice.slug,
        "owners": list(owners),
        "counts": counts,
        "missing": missing,
    }
    return Archive(db.utcnow(), about).stream(_counted(_members(practice, owners, counts, missing), told))


def parts_of(practice_id: UUID, owners: Sequence[str]) -> int:
    """How many members an archive will have, about: tables and files."""
    with practice_rows.transaction(practice_id, write=False) as connection:
        tables = sum(
            len(practice_rows.of_practice(practice_rows.tables_of(connection, owner, sources.owners())))
            for owner in owners
        )
    with db.scope(practice_id, write=False) as session:
        files_here = session.scalar(select(func.count(File.id)).where(File.owner.in_(owners))) or 0
    return tables + files_here


def _counted(members: Iterator[Member], told: Callable[[int], None]) -> Iterator[Member]:
    for done, member in enumerate(members):
        told(done)
        yield member


def counts_of(practice_id: UUID, owner: str) -> dict[str, int]:
    """How many rows and files a practice has of an owner; what has none is left out."""
    with practice_rows.transaction(practice_id, write=False) as connection:
        tables = practice_rows.of_practice(practice_rows.tables_of(connection, owner, sources.owners()))
        found = {table.name: practice_rows.count(connection, table, practice_id) for table in tables}
    found["files"] = sum(1 for _file in files_of(practice_id, owner))
    return {name: count for name, count in found.items() if count}


def files_of(practice_id: UUID, owner: str) -> Iterator[File]:
    """A practice's files of an owner, read piece by piece."""
    after = UUID(int=0)
    while True:
        with db.scope(practice_id, write=False) as session:
            wanted = select(File).where(File.owner == owner, File.id > after).order_by(File.id).limit(_BATCH)
            batch = session.scalars(wanted).all()
            session.expunge_all()
        yield from batch
        if len(batch) < _BATCH:
            return
        after = batch[-1].id


def _members(
    practice: Practice, owners: Sequence[str], counts: dict[str, int], missing: list[str]
) -> Iterator[Member]:
    title = f"{practice.name} ({practice.slug}): {', '.join(owners)}"
    yield Member("README.txt", lambda: [_README.format(title=title).encode()])
    for owner in owners:
        yield from _added(practice, owner, missing)
        with practice_rows.transaction(practice.id, write=False) as connection:
            tables = practice_rows.of_practice(practice_rows.tables_of(connection, owner, sources.owners()))
        for table in tables:
            yield Member(f"{owner}/tables/{table.name}.jsonl", _lines(practice.id, table, counts))
        for file in files_of(practice.id, owner):
            counts["files"] = counts.get("files", 0) + 1
            if _is_there(practice.id, file.id):
                name = f"{file.id}.{files.name_of(file).rpartition('.')[2]}"
                yield Member(f"{owner}/files/{name}", _bytes(practice.id, file), file.size, compressed=False)
            else:
                missing.append(str(file.id))


def _added(practice: Practice, owner: str, missing: list[str]) -> Iterator[Member]:
    source = sources.find(owner) if owner != CORE else None
    if source is None or source.export_practice is None:
        return
    with tenancy.practice_scope(practice.id, write=False):
        try:
            parts = source.export_practice(PracticeDataContext(tenancy.current()))
        except Exception as error:
            raise SourceFailed(owner, type(error).__name__) from error
        owned = placed(Owned(source, parts))
    for reference in owned.paths:
        if owned.paths[reference] is None or not _is_there(practice.id, reference.file_id):
            owned.paths[reference] = None
            missing.append(str(reference.file_id))
    for part in parts:
        if not isinstance(part.content, FileRef):
            data = as_json(part.content, owned.paths)
            yield Member(owned.path(part.name), lambda data=data: [data], len(data))  # type: ignore[misc]
    for reference, path in owned.paths.items():
        if path is not None:
            pieces = partial(file_pieces, practice.id, reference)
            yield Member(path, pieces, owned.sizes[reference], compressed=False)


def _lines(
    practice_id: UUID, table: practice_rows.Stored, counts: dict[str, int]
) -> Callable[[], Iterable[bytes]]:
    def lines() -> Iterator[bytes]:
        counts[table.name] = 0
        with practice_rows.transaction(practice_id, write=False) as connection:
            for row in practice_rows.rows(connection, table, practice_id):
                counts[table.name] += 1
                yield json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n"

    return lines


def _plain(value: object) -> Any:
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)


def _is_there(practice_id: UUID, file_id: UUID) -> bool:
    try:
        with db.scope(practice_id, write=False):
            stream = _open(file_id)
        with stream:
            while stream.read(1 << 20):
                pass
    except (FileMissing, BlobDamaged):
        return False
    return True


def _bytes(practice_id: UUID, file: File) -> Callable[[], Iterable[bytes]]:
    def read() -> Iterator[bytes]:
        with db.scope(practice_id, write=False):
            stream = _open(file.id)
        yield from pieces_of(stream)

    return read


def _open(file_id: UUID) -> Any:
    try:
        return files.open(file_id, "large")
    except FileMissing:
        return files.open(file_id)
