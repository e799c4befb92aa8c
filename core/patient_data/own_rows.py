"""A plugin's rows about a patient, found by its tables alone: for plugins that say nothing, and to check those that do.

What has a ``patient_id`` is about that patient, and so is whatever has a foreign key to such a row.
"""

from __future__ import annotations

import base64
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKeyConstraint, delete, func, or_, select

from core import db, files
from core.db import TenantModel, ownership
from core.files.models import File
from core.patient_data import sources
from core.patient_data.parts import Erased, ExportPart, FileRef, PatientDataContext, Words

_BATCH: Final = 500
Model = type[TenantModel]
Rows = dict[Model, set[UUID]]


def models_of(owner: str) -> list[Model]:
    """The models of a plugin's tables of tenants, parents first."""
    place = {table.name: position for position, table in enumerate(db.Base.metadata.sorted_tables)}
    found = [
        mapper.class_
        for mapper in db.Base.registry.mappers
        if issubclass(mapper.class_, TenantModel)
        and ownership.owner_of(mapper.class_.__tablename__, sources.owners()) == owner
    ]
    return sorted(found, key=lambda model: place[model.__tablename__])


def export_patient(source: sources.Source, ctx: PatientDataContext) -> list[ExportPart]:
    """Every row about the patient, a part a table, and the files."""
    parts = [
        ExportPart(f"{table_title(model, source.owner)}.json", rows)
        for model, about in _about(source.owner, ctx.patient.id)
        if (rows := [as_json(row) for row in db.session().scalars(select(model).where(about))])
    ]
    return parts + [
        ExportPart(f"files/{number:04}-{(name := files.name_of(file))}", FileRef(file.id, name))
        for number, file in enumerate(_files(source.owner, ctx.patient.id), start=1)
    ]


def erase_patient(source: sources.Source, ctx: PatientDataContext) -> list[Erased]:
    """Remove every row about the patient, and the files. preview: only count them."""
    session, erased = db.session(), dict[str, int]()
    ids = [
        (model, list(session.scalars(select(model.id).where(about))))
        for model, about in _about(source.owner, ctx.patient.id)
    ]
    for model, found in reversed(ids):
        erased[table_title(model, source.owner)] = len(found)
        for start in range(0, 0 if ctx.preview else len(found), _BATCH):
            session.execute(delete(model).where(model.id.in_(found[start : start + _BATCH])))
    stored = _files(source.owner, ctx.patient.id)
    erased["files"] = len(stored)
    for file in [] if ctx.preview else stored:
        files.delete(file.id)
    return [Erased(what, count) for what, count in erased.items() if count]


def rows_about(owner: str, patient_id: UUID) -> Rows:
    """The ids of every row about the patient, to be asked for before an erasure: a child whose parent went is found by
    nothing else."""
    return {
        model: set(db.session().scalars(select(model.id).where(about)))
        for model, about in _about(owner, patient_id)
    }


def topmost(owner: str, patient_id: UUID) -> set[str]:
    """The tables that say themselves whom they are about and that hang on no other such table."""
    found = {model.__tablename__ for model, _about_it in _about(owner, patient_id)}
    return {
        name
        for name in found
        if not any(
            key.column.table.name in found - {name} for key in db.Base.metadata.tables[name].foreign_keys
        )
    }


def left(owner: str, patient_id: UUID, before: Rows | None = None) -> dict[str, int]:
    """How many rows about the patient there still are, by table; files as "core_file". Empty when all are gone.

    before: what :func:`rows_about` said before the erasure.
    """
    session = db.session()
    found: dict[str, int | None] = {}
    for model, ids in rows_about(owner, patient_id).items():
        known = sorted((before or {}).get(model, set()) - ids)
        for start in range(0, len(known), _BATCH):
            still = select(model.id).where(model.id.in_(known[start : start + _BATCH]))
            ids.update(session.scalars(still))
        found[model.__tablename__] = len(ids)
    about = (File.owner == owner, File.patient_id == patient_id)
    found["core_file"] = session.scalar(select(func.count(File.id)).where(*about))
    return {table: count for table, count in found.items() if count}


def as_json(row: TenantModel) -> dict[str, Any]:
    """A row's columns; the practice is left out, bytes are in base64."""
    values = {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs}
    return {
        key: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for key, value in values.items()
        if key != "practice_id"
    }


def table_title(model: Model, owner: str) -> str:
    """ "photo" for photo_request_photo."""
    return str(model.__tablename__).removeprefix(f"{owner}_")


def title_of(source: sources.Source) -> Words:
    return source.title or source.owner


def _files(owner: str, patient_id: UUID) -> list[File]:
    about = (File.owner == owner, File.patient_id == patient_id)
    return list(db.session().scalars(select(File).where(*about).order_by(File.id)))


def _has_patient(model: Model) -> bool:
    return hasattr(model, "patient_id")


def _patient_of(model: Model) -> Any:
    return getattr(model, "patient_id")  # noqa: B009 - some models have one


def _about(owner: str, patient_id: UUID) -> list[tuple[Model, ColumnElement[bool]]]:
    """Each model with rows about a patient and the condition that finds them, parents first."""
    found: dict[str, tuple[Model, ColumnElement[bool]]] = {}
    for model in models_of(owner):
        conditions = [_patient_of(model) == patient_id] if _has_patient(model) else []
        for key in db.Base.metadata.tables[model.__tablename__].constraints:
            if not isinstance(key, ForeignKeyConstraint) or key.referred_table.name not in found:
                continue
            parent, about = found[key.referred_table.name]
            own = [e.parent.name for e in key.elements if e.parent.name != "practice_id"]
            conditions.append(getattr(model, own[0]).in_(select(parent.id).where(about)))
        if conditions:
            found[model.__tablename__] = (model, or_(*conditions))
    return list(found.values())
