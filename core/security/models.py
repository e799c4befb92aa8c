"""What Careroom keeps about a person who signs in, beside Flask-AppBuilder's user.

Tokens and recovery codes are random and long, so their SHA-256 is kept and nothing else. A person belongs to no
practice, so these tables are the platform's; what a practice decides about sign-in is in tables of the practice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, TenantModel, Timestamps, UtcDateTime, tenant_key, utcnow

_DIGEST: Final = 64


class Account(Base):
    """A user's preferences, second factor, and the state of the lock on their sign-in.

    totp_secret: sealed (:mod:`core.security.sealing`); without ``totp_since`` it waits to be confirmed.
    totp_step: the last time step whose code was taken, so that none is taken twice.
    """

    __tablename__ = "core_account"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(12), default=None)
    theme: Mapped[str] = mapped_column(String(8), default="system")
    failed_tries: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    totp_secret: Mapped[str | None] = mapped_column(String(400), default=None)
    totp_since: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    totp_step: Mapped[int | None] = mapped_column(default=None)


class SignInSession(Base):
    """A browser that is signed in. Its random id is in the session cookie, so ending the row ends every copy of it.

    method: "password", "totp", "recovery", "passkey" or "oidc". proven_at: when the person last showed who they are;
    what changes the sign-in itself asks for that again. locked_at: idle, nothing is answered until it is unlocked.
    only_practice: signed in by that practice's own provider, so it opens no other practice.
    """

    __tablename__ = "core_sign_in_session"
    __table_args__ = (Index("ix_core_sign_in_session_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    address: Mapped[str | None] = mapped_column(String(64), default=None)
    browser: Mapped[str] = mapped_column(String(200), default="")
    method: Mapped[str] = mapped_column(String(12), default="password", server_default="password")
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=utcnow)
    proven_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    locked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    only_practice: Mapped[UUID | None] = mapped_column(default=None)


class KnownDevice(Base):
    """A browser in which somebody has signed in before, known by the hash of a cookie."""

    __tablename__ = "core_known_device"
    __table_args__ = (UniqueConstraint("user_id", "token_hash", name="uq_core_known_device"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(_DIGEST))
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class PasswordReset(Base):
    """A link by which somebody may set a new password, once."""

    __tablename__ = "core_password_reset"
    __table_args__ = (Index("ix_core_password_reset_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(_DIGEST), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class RecoveryCode(Base):
    """A code that stands in for the second factor, once."""

    __tablename__ = "core_recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash", name="uq_core_recovery_code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(_DIGEST))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Passkey(Base):
    """A public key whose other half a person's device or key ring holds. credential_id: base64url."""

    __tablename__ = "core_passkey"
    __table_args__ = (Index("ix_core_passkey_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Invitation(Timestamps, TenantModel):
    """Somebody is asked to join the practice in a role. ``invited_by``: the user's id as text, and their name."""

    __tablename__ = "core_invitation"
    __table_args__ = (UniqueConstraint("token_hash", name="uq_core_invitation_token"),)

    email: Mapped[str] = mapped_column(String(254))
    given_names: Mapped[str] = mapped_column(String(64))
    family_name: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(_DIGEST))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    user_id: Mapped[int | None] = mapped_column(default=None)
    invited_by: Mapped[str] = mapped_column(String(64))
    invited_by_name: Mapped[str] = mapped_column(String(160))

    @property
    def name(self) -> str:
        return f"{self.given_names} {self.family_name}"

    @property
    def state(self) -> str:
        """ "accepted", "withdrawn", "expired" or "pending"."""
        if self.accepted_at is not None:
            return "accepted"
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "expired" if self.expires_at <= utcnow() else "pending"


class IdentityProvider(Timestamps, TenantModel):
    """A practice's own OpenID Connect provider; at most one. client_secret: sealed with the practice's key."""

    __tablename__ = "core_identity_provider"
    __table_args__ = (UniqueConstraint("practice_id", name="uq_core_identity_provider"),)

    title: Mapped[str] = mapped_column(String(80))
    issuer: Mapped[str] = mapped_column(String(300))
    client_id: Mapped[str] = mapped_column(String(200))
    client_secret: Mapped[str] = mapped_column(String(1000))
    scopes: Mapped[str] = mapped_column(String(200), default="openid email profile")
    enabled: Mapped[bool] = mapped_column(default=True)


class LinkedIdentity(TenantModel):
    """Who a provider's subject is in this practice. Bound to the practice: its provider speaks for nobody elsewhere."""

    __tablename__ = "core_linked_identity"
    __table_args__ = (
        UniqueConstraint("practice_id", "issuer", "subject", name="uq_core_linked_identity"),
        Index("ix_core_linked_identity_user", "user_id"),
    )

    issuer: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class EmergencyAccess(TenantModel):
    """Somebody opened a record that their role does not open: why, for how long, and whether it was looked at.

    reviewed_*: an administrator has looked at it, and what they noted.
    """

    __tablename__ = "core_emergency_access"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_core_emergency_access_user", "practice_id", "user_id", "ends_at"),
        Index("ix_core_emergency_access_patient", "practice_id", "patient_id"),
    )

    patient_id: Mapped[UUID] = mapped_column()
    user_id: Mapped[int] = mapped_column()
    user_name: Mapped[str] = mapped_column(String(160))
    why: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(400))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    reviewed_by: Mapped[str | None] = mapped_column(String(160), default=None)
    review: Mapped[str | None] = mapped_column(String(400), default=None)
