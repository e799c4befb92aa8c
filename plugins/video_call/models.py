"""Tables: a call, who takes part, what they said and drew, what was agreed to, the log of its line; and what a practice
put behind its clinicians."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.sdk import TenantModel, Timestamps, UtcDateTime, tenant_key, utcnow

SUBJECT: Final = "video_call.call"
PURPOSE: Final = "video_call.call"  # of the patient's link
GUEST_PURPOSE: Final = "video_call.guest"

CLINICIAN: Final = "clinician"
PATIENT: Final = "patient"
GUEST: Final = "guest"


class Call(Timestamps, TenantModel):
    """A video consultation with one patient. ``state`` is changed by :mod:`plugins.video_call.states` only.

    clinician_id: who holds it now (a user's id; a transfer changes it). invited_by: who sent the invitation, perhaps
    somebody at the reception; note: what they wrote in it. held_from: the state that a hold interrupted.
    phone_first: it began as a phone call, which goes on until the patient starts the video. outcome: "completed" or
    "unsuccessful" once the clinician said so. patient_away_since: the waiting patient's page is closed or asleep.
    open_board, shown_file: what lies on the screen of everybody now, for whoever comes back.
    """

    __tablename__ = "video_call_call"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_video_call_call_patient", "practice_id", "patient_id", "created_at"),
        Index("ix_video_call_call_state", "practice_id", "state", "created_at"),
        Index("ix_video_call_call_link", "practice_id", "link_id"),
    )

    patient_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(16))
    clinician_id: Mapped[str] = mapped_column(String(64))
    clinician_name: Mapped[str] = mapped_column(String(200))
    invited_by: Mapped[str] = mapped_column(String(64))
    invited_by_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text, default=None)
    channels: Mapped[list[str]]
    link_id: Mapped[UUID | None] = mapped_column(default=None)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scheduled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    waiting_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    patient_away_since: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    admitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    connected_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ended_by: Mapped[str | None] = mapped_column(String(16), default=None)
    held_from: Mapped[str | None] = mapped_column(String(16), default=None)
    phone_first: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(Text, default=None)
    waiting_message: Mapped[str | None] = mapped_column(Text, default=None)
    outcome: Mapped[str | None] = mapped_column(String(16), default=None)
    outcome_reason: Mapped[str | None] = mapped_column(String(40), default=None)
    notes: Mapped[str | None] = mapped_column(Text, default=None)
    feedback_score: Mapped[int | None] = mapped_column(default=None)
    feedback_text: Mapped[str | None] = mapped_column(Text, default=None)
    open_board: Mapped[str | None] = mapped_column(String(20), default=None)
    shown_file: Mapped[UUID | None] = mapped_column(default=None)


class Participant(Timestamps, TenantModel):
    """Somebody who takes part. Found by the session (a user's or a link's id), never by what a message says.

    role: clinician, patient or guest. actor_id: the user's id or the link's. as_what: what a guest is (interpreter,
    relative, colleague). client_id: the page that speaks for them; a newer page takes over and raises ``generation``.
    devices: {"camera": bool, "microphone": bool, "speaker": bool, "line": a word} as their page found them.
    """

    __tablename__ = "video_call_participant"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        UniqueConstraint("practice_id", "call_id", "actor_id", name="uq_video_call_participant_actor"),
    )

    call_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    as_what: Mapped[str | None] = mapped_column(String(40), default=None)
    admitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    client_id: Mapped[str | None] = mapped_column(String(36), default=None)
    generation: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    devices: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Signal(TenantModel):
    """The mailbox: a signal that its receiver has not acknowledged yet. Kept for a minute."""

    __tablename__ = "video_call_signal"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        tenant_key("sender_id", "video_call_participant"),
        tenant_key("receiver_id", "video_call_participant"),
        Index("ix_video_call_signal_receiver", "practice_id", "receiver_id", "id"),
        Index("ix_video_call_signal_created", "practice_id", "created_at"),
    )

    call_id: Mapped[UUID]
    sender_id: Mapped[UUID]
    receiver_id: Mapped[UUID]
    client_id: Mapped[str] = mapped_column(String(36))
    generation: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Message(TenantModel):
    """One line of the chat; or a file that was shared there, readable by both afterwards."""

    __tablename__ = "video_call_message"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        UniqueConstraint("practice_id", "call_id", "client_key", name="uq_video_call_message_key"),
        Index("ix_video_call_message_file", "practice_id", "file_id"),
    )

    call_id: Mapped[UUID]
    sender_role: Mapped[str] = mapped_column(String(16))
    sender_id: Mapped[str] = mapped_column(String(64))
    sender_name: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    file_id: Mapped[UUID | None] = mapped_column(default=None)
    client_key: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Document(TenantModel):
    """What a call leaves behind. kind: "drawing", "still" (a picture of the video) or "recording"."""

    __tablename__ = "video_call_document"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        Index("ix_video_call_document_file", "practice_id", "file_id"),
    )

    call_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(200))
    file_id: Mapped[UUID]
    consent_id: Mapped[UUID | None] = mapped_column(default=None)
    shared: Mapped[bool] = mapped_column(default=False)
    made_by: Mapped[str] = mapped_column(String(64))
    made_by_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Consent(TenantModel):
    """What the patient was asked for in this call and what they said, word for word.

    kind: "camera_control" (switch and zoom), "recording_video", "recording_audio", "still", "microphone_on",
    "camera_on". state: "asked", "granted", "refused", "revoked" (by the patient, after a yes) or "withdrawn" (by the
    clinician, before an answer).
    """

    __tablename__ = "video_call_consent"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        Index("ix_video_call_consent_call", "practice_id", "call_id", "kind"),
    )

    call_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(16))
    wording: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Stroke(TenantModel):
    """One operation on a board (the blank page or the shared screen), in order: what late joiners replay.

    op: "stroke", "text", "erase" or "clear"; body: its normalised coordinates and style. client_key: the page's own
    name for it, by which it is erased, and which makes a second arrival of it nothing.
    """

    __tablename__ = "video_call_stroke"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        UniqueConstraint("practice_id", "call_id", "board", "number", name="uq_video_call_stroke_number"),
        UniqueConstraint("practice_id", "call_id", "client_key", name="uq_video_call_stroke_key"),
    )

    call_id: Mapped[UUID]
    board: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    op: Mapped[str] = mapped_column(String(12))
    client_key: Mapped[UUID]
    author: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]


class LineEntry(TenantModel):
    """The call log: what the line did. Figures and codes only, no addresses.

    kind: "connected", "stalled", "restarted", "rebuilt", "relayed", "lost", "recovered" or "quality"; detail: for
    quality, what getStats gave (round trip in ms, loss in %, kbit/s, frames a second, kind of candidate).
    """

    __tablename__ = "video_call_line"
    __table_args__ = (
        tenant_key("call_id", "video_call_call"),
        Index("ix_video_call_line_call", "practice_id", "call_id", "id"),
    )

    call_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Background(Timestamps, TenantModel):
    """A picture of the practice that clinicians can put behind themselves. It is nobody's and of no call."""

    __tablename__ = "video_call_background"
    __table_args__ = (Index("ix_video_call_background_file", "practice_id", "file_id"),)

    name: Mapped[str] = mapped_column(String(60))
    file_id: Mapped[UUID]
    added_by: Mapped[str] = mapped_column(String(64))
    added_by_name: Mapped[str] = mapped_column(String(200))
