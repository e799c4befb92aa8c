"""The tables of patients."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import TenantModel, Timestamps, UtcDateTime, tenant_key, utcnow
from core.patients import names, nhs_number

# Ranges of a prefix follow the order of code points; a PostgreSQL database in en_GB would compare otherwise.
_SORTED_BY_CODE_POINT = String(240).with_variant(String(240, collation="C"), "postgresql")

NHS_NUMBER = "nhs_number"
INS = "ins"
LOCAL = "local"

SEXES = ("female", "male", "other", "unknown")


class Patient(Timestamps, TenantModel):
    """A person whom the practice cares for. Phones are E.164, `language` a code such as "fr" or None.

    restricted: opened only with a right of its own, or in an emergency (core.security.emergency).
    """

    __tablename__ = "core_patient"
    __table_args__ = (
        Index("ix_core_patient_name", "practice_id", "active", "search_name", "id"),
        Index("ix_core_patient_birth_date", "practice_id", "birth_date"),
        Index("ix_core_patient_mobile", "mobile"),  # a text that comes in says a number and no practice
    )

    given_names: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    birth_date: Mapped[date]
    sex: Mapped[str] = mapped_column(String(8), default="unknown")
    email: Mapped[str | None] = mapped_column(String(254), default=None)
    mobile: Mapped[str | None] = mapped_column(String(16), default=None)
    phone: Mapped[str | None] = mapped_column(String(16), default=None)
    language: Mapped[str | None] = mapped_column(String(12), default=None)
    active: Mapped[bool] = mapped_column(default=True)
    restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    search_name: Mapped[str] = mapped_column(_SORTED_BY_CODE_POINT)
    version: Mapped[int] = mapped_column(default=1)

    # Read with selectinload at the query, written through PatientIdentifier.
    identifiers: Mapped[list[PatientIdentifier]] = relationship(
        viewonly=True, lazy="raise", order_by="PatientIdentifier.system"
    )
    # For pages that show them beside the name: read with joinedload, for a patient has few.
    alerts: Mapped[list[PatientAlert]] = relationship(viewonly=True, lazy="raise", order_by="PatientAlert.id")
    contact_states: Mapped[list[ContactState]] = relationship(viewonly=True, lazy="raise")

    @property
    def display_name(self) -> str:
        return f"{self.given_names} {self.family_name}"

    @property
    def initials(self) -> str:
        return names.initials(self.given_names, self.family_name)

    def identifier(self, system: str) -> str | None:
        """The bare value. The identifiers must have been loaded with the patient."""
        return next((one.value for one in self.identifiers if one.system == system), None)

    @property
    def nhs_number(self) -> str | None:
        """In groups of 3-3-4, for people to read."""
        value = self.identifier(NHS_NUMBER)
        return nhs_number.formatted(value) if value else None


class PatientIdentifier(TenantModel):
    """What another system knows the patient by; at most one patient of a practice has it."""

    __tablename__ = "core_patient_identifier"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        UniqueConstraint("practice_id", "system", "value", name="uq_core_patient_identifier_value"),
        UniqueConstraint("practice_id", "patient_id", "system", name="uq_core_patient_identifier_system"),
    )

    patient_id: Mapped[UUID]
    system: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(64))


class PatientSearchWord(TenantModel):
    """One beginning under which a patient is found: a word of the name, a phone's or an identifier's characters.

    A search is a range over one index (practice_id, word), whatever kind of thing was typed.
    """

    __tablename__ = "core_patient_search_word"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_core_patient_search_word_word", "practice_id", "word", "patient_id"),
        Index("ix_core_patient_search_word_patient", "practice_id", "patient_id"),
    )

    patient_id: Mapped[UUID]
    word: Mapped[str] = mapped_column(_SORTED_BY_CODE_POINT)


class PatientImport(Timestamps, TenantModel):
    """An uploaded list of patients between its check and its result.

    `content` is the file as it came; it goes when the import is done. `report` is an ImportReport as JSON, in the
    `language` of the person who uploaded the file.
    """

    __tablename__ = "core_patient_import"

    file_name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(
        String(12), default="received"
    )  # received, checked, waiting, running, done
    duplicates: Mapped[str] = mapped_column(String(8), default="update")  # update, skip
    language: Mapped[str] = mapped_column(String(12))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    actor: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class PatientAlert(Timestamps, TenantModel):
    """What whoever deals with this patient must know at once: "Hard of hearing". Resolved, not deleted.

    level: "note" or "warning". added_by, resolved_by: the person's name as it was then.
    """

    __tablename__ = "core_patient_alert"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_core_patient_alert_patient", "practice_id", "patient_id"),
    )

    patient_id: Mapped[UUID]
    text: Mapped[str] = mapped_column(String(120))
    level: Mapped[str] = mapped_column(String(8), default="note")
    added_by: Mapped[str] = mapped_column(String(160))
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    resolved_by: Mapped[str | None] = mapped_column(String(160), default=None)


class ContactState(Timestamps, TenantModel):
    """What is known of a way to reach a patient: may it be used, and does it reach the patient?

    channel: "sms", "email", or "phone" for the second one, which has no consent. consent: "given", "refused", or
    "unknown" when nobody has asked.
    consent_how: "staff" (the patient told ``consent_by``), "reply" (a text of theirs: STOP or START) or "provider" (it
    said at sending that the number takes no texts of ours).
    verified_value: the number or address that was found to reach the patient; another one is not verified.
    verified_how: "staff" (confirmed with the patient) or "link" (a link sent there was opened with the right date
    of birth).
    """

    __tablename__ = "core_contact_state"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        UniqueConstraint("practice_id", "patient_id", "channel", name="uq_core_contact_state"),
    )

    patient_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(String(8))
    consent: Mapped[str] = mapped_column(String(8), default="unknown")
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    consent_by: Mapped[str | None] = mapped_column(String(160), default=None)
    consent_how: Mapped[str | None] = mapped_column(String(8), default=None)
    verified_value: Mapped[str | None] = mapped_column(String(254), default=None)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    verified_how: Mapped[str | None] = mapped_column(String(8), default=None)


class ActivePatient(TenantModel):
    """Whom somebody has in front of them: what the toolbar shows in their other windows."""

    __tablename__ = "core_active_patient"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        UniqueConstraint("practice_id", "user_id", name="uq_core_active_patient"),
    )

    user_id: Mapped[int]
    patient_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
