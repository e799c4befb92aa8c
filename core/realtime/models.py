"""What happened in a practice, numbered in the order in which it was committed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, TenantModel, utcnow
from core.tenancy.models import Practice


class Event(TenantModel):
    """Something happened: whoever may know fetches the rest over HTTP. Holds keys only, no clinical data.

    ``seq`` counts from 1 within the practice, without gaps, in the order of the commits.
    """

    __tablename__ = "core_event"
    __table_args__ = (
        UniqueConstraint("practice_id", "seq", name="uq_core_event_seq"),
        Index("ix_core_event_topic", "practice_id", "topic", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger)
    topic: Mapped[str] = mapped_column(String(140))
    type: Mapped[str] = mapped_column(String(40))
    ids: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class EventHead(Base):
    """One row a practice: the last number given out, and the last one that retention has removed.

    Its lock, held from just before a commit to its end, is what makes the sequence gapless. Not a TenantModel,
    because each web process watches the heads of all practices that it has clients of.
    """

    __tablename__ = "core_event_head"

    practice_id: Mapped[UUID] = mapped_column(ForeignKey(Practice.id, ondelete="CASCADE"), primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    swept_seq: Mapped[int] = mapped_column(BigInteger, default=0)
