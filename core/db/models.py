"""What every table is made from.

A row that belongs to a practice is a :class:`TenantModel`. Its primary key is (practice_id, id), so a foreign
key to it carries the practice, and an object of one practice can never be met in the identity map under
another one's key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import flask_appbuilder
from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Table, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from core.db.types import UtcDateTime, utcnow, uuid7


class Base(DeclarativeBase):
    """Declarative base of Careroom. It shares Flask-AppBuilder's metadata so that keys can reach ab_user."""

    metadata = flask_appbuilder.Model.metadata
    type_annotation_map = {datetime: UtcDateTime, UUID: Uuid, dict[str, Any]: JSON, list[str]: JSON}


class TenantModel(Base):
    """A row of one practice. Stamped on writing and filtered on reading by the guard."""

    __abstract__ = True

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"confirm_deleted_rows": True}

    @declared_attr
    def practice_id(cls) -> Mapped[UUID]:
        return mapped_column(ForeignKey("core_practice.id", ondelete="CASCADE"), primary_key=True)

    @declared_attr
    def id(cls) -> Mapped[UUID]:
        return mapped_column(primary_key=True, default=uuid7)


class Timestamps:
    """Mixin: when a row was made and last changed, in UTC."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, onupdate=utcnow)


def tenant_key(column: str, table: str, *, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key from ``column`` to another tenant table's ``id`` that carries the practice.

    ``ondelete`` is CASCADE or RESTRICT. SET NULL would null practice_id too, so leave such a column without a
    key and treat it as a weak reference.
    """
    if ondelete.upper() == "SET NULL":
        raise ValueError("SET NULL would clear practice_id as well: use a weak reference")
    return ForeignKeyConstraint(
        ["practice_id", column], [f"{table}.practice_id", f"{table}.id"], ondelete=ondelete
    )


def is_tenant_table(table: Table) -> bool:
    """Is this the table of a TenantModel: is its key (practice_id, id)?"""
    return "practice_id" in table.primary_key.columns and "id" in table.primary_key.columns
