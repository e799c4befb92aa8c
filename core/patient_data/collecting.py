"""What goes into a patient's archive: every owner is asked, and each part and file gets its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import db, files, tenancy
from core.files import FileMissing
from core.files.models import File, Rendition
from core.patient_data import absent, core_part, own_rows, reading_page, sources
from core.patient_data.archive import Member, pieces_of
from core.patient_data.parts import ExportPart, FileRef, PatientDataContext
from core.patient_data.sources import Source, SourceFailed
from core.patients import Patient
from core.tenancy.switches import CORE


@dataclass(slots=True)
class Owned:
    """One owner's parts, and where in the archive each of its files is; None: the store has it no more."""

    source: Source
    parts: list[ExportPart]
    paths: dict[FileRef, str | None] = field(default_factory=dict)
    sizes: dict[FileRef, int] = field(default_factory=dict)

    def path(self, name: str) -> str:
        return f"{self.source.owner}/{name}"


def ask(patient: Patient) -> list[Owned]:
    """Ask the core and every installed plugin, in an open scope of the practice. Raises SourceFailed."""
    absent.refuse_of_patient(patient.id)
    ctx = PatientDataContext(tenancy.current(), patient)
    found = []
    for source in (core_part.source(), *sources.installed()):
        parts = _asked(source, ctx)
        if parts or source.owner == CORE:
            found.append(placed(Owned(source, parts)))
    return found


def members(
    owned: Sequence[Owned], patient_name: str, made_at: datetime, practice_id: UUID
) -> Iterator[Member]:
    """The archive's files, the page to read first. Their bytes are asked for one after the other."""
    sections = [
        reading_page.Section(
            one.source.title,
            one.parts,
            {id(part): one.path(part.name) for part in one.parts},
            one.paths,
        )
        for one in owned
    ]
    with db.scope(practice_id, write=False):
        text = reading_page.page(patient_name, tenancy.current().name, made_at, sections).encode()
    yield Member("index.html", lambda: [text], len(text))
    for one in owned:
        for part in one.parts:
            if not isinstance(part.content, FileRef):
                data = as_json(part.content, one.paths)
                yield Member(one.path(part.name), lambda data=data: [data], len(data))  # type: ignore[misc]
        for reference, path in one.paths.items():
            if path is not None:
                yield Member(
                    path,
                    lambda reference=reference: file_pieces(practice_id, reference),  # type: ignore[misc]
                    one.sizes[reference],
                    compressed=False,
                )


def as_json(content: Any, paths: dict[FileRef, str | None]) -> bytes:
    """JSON as other programs read it: times in ISO 8601, a file as its path in the archive."""

    def plain(value: object) -> Any:
        if isinstance(value, (datetime, date)):
            return value.isoformat()
        if isinstance(value, UUID):
            return str(value)
        if isinstance(value, FileRef):
            return paths.get(value)
        return str(value)

    return json.dumps(content, ensure_ascii=False, indent=1, default=plain).encode()


def file_pieces(practice_id: UUID, reference: FileRef) -> Iterator[bytes]:
    """A file's plain bytes. The scope is closed before the first one: a slow store holds no transaction."""
    with db.scope(practice_id, write=False):
        stream = open_file(reference)
    yield from pieces_of(stream)


def open_file(reference: FileRef) -> Any:
    """The rendition, or the original while that is not made. Raises FileMissing."""
    try:
        return files.open(reference.file_id, reference.rendition)
    except FileMissing:
        return files.open(reference.file_id)


def _asked(source: Source, ctx: PatientDataContext) -> list[ExportPart]:
    try:
        if source.export_patient is None:
            return own_rows.export_patient(source, ctx)
        parts = source.export_patient(ctx)
    except Exception as error:
        raise SourceFailed(source.owner, type(error).__name__) from error
    names = [part.name for part in parts]
    if len(set(names)) != len(names):
        raise SourceFailed(source.owner, "two parts have one name")
    return parts


def placed(owned: Owned) -> Owned:
    """Give each file a path: its part's own, or ``files/<number>-<name>`` where it stands among data."""
    own = {part.content: part.name for part in owned.parts if isinstance(part.content, FileRef)}
    number = 0
    for reference in [*own, *(found for part in owned.parts for found in _references(part.content))]:
        if reference in owned.paths:
            continue
        size = _size(reference)
        number += 1
        name = own.get(reference) or f"files/{number:04}-{files.clean_name(reference.name)}"
        owned.paths[reference] = owned.path(name) if size is not None else None
        owned.sizes[reference] = size or 0
    return owned


def _references(content: Any) -> Iterator[FileRef]:
    if isinstance(content, FileRef):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _references(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _references(value)


def _size(reference: FileRef) -> int | None:
    session = db.session()
    size = session.scalar(
        select(Rendition.size).where(
            Rendition.file_id == reference.file_id, Rendition.name == reference.rendition
        )
    )
    if size is not None:
        return size
    return session.scalar(
        select(File.size).where(File.id == reference.file_id, File.original_blob.is_not(None))
    )
