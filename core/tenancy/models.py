"""Practices and who works in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Timestamps, UtcDateTime, utcnow, uuid7


class Practice(Timestamps, Base):
    """A practice is the tenant. ``language`` is a locale ("en-GB"), ``country`` ISO 3166-1 ("GB")."""

    __tablename__ = "core_practice"
    # Removing a practice would take its trail along: that is the database owner's to do.
    __table_args__ = ({"info": {"grants": ("SELECT", "INSERT", "UPDATE")}},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(12), default="en-GB")
    time_zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    country: Mapped[str] = mapped_column(String(2), default="GB")
    phone: Mapped[str | None] = mapped_column(String(32), default=None)
    email: Mapped[str | None] = mapped_column(String(254), default=None)
    address: Mapped[str | None] = mapped_column(String(400), default=None)
    status: Mapped[str] = mapped_column(String(16), default="active")
    link_days: Mapped[int | None] = mapped_column(default=None)
    plugins_version: Mapped[int] = mapped_column(default=1)
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Membership(Base):
    """A user's role in a practice; one row a role. Not a TenantModel: the chooser reads across practices."""

    __tablename__ = "core_membership"
    __table_args__ = (Index("ix_core_membership_user", "user_id"),)

    practice_id: Mapped[UUID] = mapped_column(
        ForeignKey("core_practice.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
