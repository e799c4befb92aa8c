"""What Careroom keeps about a person who signs in, beside Flask-AppBuilder's user."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, utcnow


class Account(Base):
    """A user's preferences and the state of the lock on their sign-in."""

    __tablename__ = "core_account"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(12), default=None)
    theme: Mapped[str] = mapped_column(String(8), default="system")
    failed_tries: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class SignInSession(Base):
    """A browser that is signed in. Its random id is in the session cookie, so ending the row ends every copy of it."""

    __tablename__ = "core_sign_in_session"
    __table_args__ = (Index("ix_core_sign_in_session_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    address: Mapped[str | None] = mapped_column(String(64), default=None)
    browser: Mapped[str] = mapped_column(String(200), default="")
