"""Another practice's rows are not there: models carry the practice, and foreign ids answer as unknown ones do."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table

from core import db
from core.authoring import surfaces
from core.authoring.inspection import Inspection
from core.authoring.rules import NotMeasured
from core.db import TenantModel
from core.testing.house import House


def models_of(package: str) -> list[type[Any]]:
    """The mapped classes of a plugin's package."""
    prefix = package + "."
    found = [mapper.class_ for mapper in db.Base.registry.mappers]
    return [model for model in found if (model.__module__ + ".").startswith(prefix)]


def models(place: Inspection) -> list[str]:
    """Every table is a tenant's, and every foreign key between such tables carries the practice."""
    wrong = []
    for model in models_of(place.plugin.package):
        if not issubclass(model, TenantModel):
            wrong.append(f"{model.__name__} is no TenantModel: its rows belong to no practice")
            continue
        for key in cast(Table, model.__table__).foreign_key_constraints:
            if "practice_id" not in {column.name for column in key.columns}:
                columns = ", ".join(column.name for column in key.columns)
                wrong.append(f"the foreign key {columns} of {model.__tablename__} lacks practice_id")
    return wrong


def foreign_ids(place: Inspection) -> list[str]:
    """Ids of another practice answer 404, as long as unknown ones do, and change nothing there."""
    asked = [
        (rule, method)
        for rule, method in surfaces.requests(place.app, "staff", place.name)
        if surfaces.ids_of(rule)
    ]
    if not asked:
        return []
    foreign = place.sample(place.house.lumiere)
    if foreign is None:
        raise NotMeasured("there is no sample.py that makes one of everything")
    helen = place.visitor()
    before = rows_of(place.house, foreign.practice_id)
    wrong = []
    for rule, method in asked:
        lacking = surfaces.ids_of(rule) - foreign.ids.keys()
        if lacking:
            wrong.append(f"sample.make answers no {', '.join(sorted(lacking))} for {rule.rule}")
            continue
        answer = surfaces.send(helen, method, surfaces.url_of(rule, "riverside", foreign.ids))
        unknown = surfaces.send(helen, method, surfaces.url_of(rule, "riverside", {}))
        if answer.status_code != 404:
            wrong.append(f"{method} {rule.rule} answers {answer.status_code} to ids of another practice")
        elif unknown.status_code == 404 and len(answer.data) != len(unknown.data):
            wrong.append(f"{method} {rule.rule} gives itself away by its size")
    if rows_of(place.house, foreign.practice_id) != before:
        wrong.append("rows of the other practice have changed")
    return wrong


def look(place: Inspection) -> list[str]:
    """Both."""
    return models(place) + foreign_ids(place)


def rows_of(house: House, practice_id: UUID) -> dict[str, list[str]]:
    """Every tenant row of a practice, by table, but for its trail and its jobs, which move by themselves."""
    found: dict[str, list[str]] = {}
    with house.at(practice_id, write=False) as session:
        for mapper in db.Base.registry.mappers:
            model = mapper.class_
            table = str(getattr(model, "__tablename__", ""))
            if issubclass(model, TenantModel) and not table.startswith(("core_audit", "core_job")):
                names = [column.key for column in mapper.column_attrs]
                rows = session.query(model).all()
                found[table] = sorted(repr([getattr(row, name) for name in names]) for row in rows)
    return found
