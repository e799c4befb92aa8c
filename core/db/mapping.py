"""Keeps one plugin's mapped classes from spoiling everybody's: SQLAlchemy configures all of them, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Mapper

from core.db.models import Base

_broken: dict[str, str] = {}
"""Why, by source: what was imported once is not imported again, and its classes are mapped no more."""


class MappingFailed(Exception):
    """Classes that a plugin maps cannot be configured; the message says why."""


def loaded(source: str, load: Callable[[], Any]) -> Any:
    """What ``load`` answers, and its mapped classes are sound. Raises MappingFailed; those that failed are unmapped."""
    if source in _broken:
        raise MappingFailed(_broken[source])
    before = Base.registry.mappers
    try:
        plugin = load()
    finally:
        reason = _unmap_broken(before)
    if reason:
        _broken[source] = reason
        raise MappingFailed(reason)
    return plugin


def tables_of(package: str) -> list[Table]:
    """The tables that classes of this package are mapped to."""
    return [
        mapper.local_table
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(f"{package}.") and isinstance(mapper.local_table, Table)
    ]


def _unmap_broken(before: frozenset[Mapper[Any]]) -> str:
    """Unmap what was mapped since and cannot be configured. Answers the first reason, empty when all is well."""
    registry, reason = Base.registry, ""
    while True:
        try:
            registry.configure()
        except Exception as error:
            fresh = registry.mappers - before
            failed = [mapper for mapper in fresh if "_configure_failed" in vars(mapper)]
            if not failed:
                raise
            reason = reason or f"{type(error).__name__}: {error}"
            for mapper in failed:
                manager = mapper.class_manager
                registry._managers.pop(manager, None)
                registry._dispose_manager_and_mapper(manager)
                if isinstance(mapper.local_table, Table):  # no revision is to be made of it
                    mapper.local_table.metadata.remove(mapper.local_table)
        else:
            return reason
