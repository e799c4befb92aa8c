"""The core's own part: identity, contact details, links, messages, and who looked at the record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from core import audit, db, files
from core.db import TenantModel
from core.files.models import File, Upload
from core.files.service import delete_after_commit
from core.i18n import _, _l
from core.links import purposes
from core.links.models import Link
from core.notifications.models import InboxItem, InboxRead, Notification
from core.patient_data import further, keeping, own_rows
from core.patient_data.models import PatientExport, PracticeExport
from core.patient_data.parts import Erased, ExportPart, PatientDataContext
from core.patient_data.sources import Source, installed, owners
from core.patients import Patient
from core.patients.models import PatientIdentifier, PatientSearchWord
from core.tenancy.switches import CORE

_SEXES: Final = {
    "female": _l("Female"),
    "male": _l("Male"),
    "other": _l("Other"),
    "unknown": _l("Not recorded"),
}
_NUMBERS: Final = {"nhs_number": _l("NHS number"), "ins": _l("INS number"), "local": _l("Record number")}
_CHANNELS: Final = {"sms": _l("Text message"), "email": _l("E-mail")}
_WHO: Final = {"staff": _l("Staff"), "patient": _l("You, by a link"), "system": _l("Careroom, by itself")}


def source() -> Source:
    """The core as one whose data there is. It comes first in an export and last in an erasure."""
    return Source(CORE, _l("Your record at the practice"), "", export_patient=export_patient)


def export_patient(ctx: PatientDataContext) -> list[ExportPart]:
    """Everything that the core holds about the patient."""
    patient = ctx.patient
    return [
        _identity(patient),
        _contact(patient),
        _links(patient),
        _messages(patient),
        *further.export(patient.id),
        _trail(ctx),
    ]


def _identity(patient: Patient) -> ExportPart:
    numbers = {one.system: one.value for one in patient.identifiers}
    content = {
        "given_names": patient.given_names,
        "family_name": patient.family_name,
        "birth_date": patient.birth_date,
        "sex": str(_SEXES.get(patient.sex, patient.sex)),
        **numbers,
        "active": patient.active,
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
        "id": patient.id,
    }
    # Whatever the row has beside, for other programs: no word is left out because nobody thought of it.
    content = {**own_rows.as_json(patient), **content}
    words = {
        "given_names": _l("Given names"),
        "family_name": _l("Family name"),
        "birth_date": _l("Date of birth"),
        "sex": _l("Sex"),
        **{system: _NUMBERS.get(system, system) for system in numbers},
        "active": _l("Patient of the practice now"),
        "created_at": _l("Record made"),
        "updated_at": _l("Last change"),
    }
    return ExportPart("identity.json", content, _l("Who you are"), words)


def _contact(patient: Patient) -> ExportPart:
    content = {
        "mobile": patient.mobile,
        "phone": patient.phone,
        "email": patient.email,
        "language": patient.language,
    }
    words = {
        "mobile": _l("Mobile"),
        "phone": _l("Phone"),
        "email": _l("E-mail"),
        "language": _l("Language"),
    }
    return ExportPart("contact.json", content, _l("How to reach you"), words)


def _links(patient: Patient) -> ExportPart:
    content = [
        {
            "purpose": str(found.title if (found := purposes.find(link.purpose)) else link.purpose),
            "sent_at": link.created_at,
            "expires_at": link.expires_at,
            "opened_at": link.verified_at,
            "completed_at": link.completed_at,
            "cancelled_at": link.cancelled_at,
            "id": link.id,
        }
        for link in _of(Link, Link.patient_id == patient.id)
    ]
    words = {
        "purpose": _l("For"),
        "sent_at": _l("Sent"),
        "expires_at": _l("Valid until"),
        "opened_at": _l("Opened"),
        "completed_at": _l("Finished"),
        "cancelled_at": _l("Cancelled"),
    }
    return ExportPart("links.json", content, _l("Links that we sent you"), words)


def _messages(patient: Patient) -> ExportPart:
    content = [
        {
            "channel": str(_CHANNELS.get(message.channel, message.channel)),
            "recipient": message.recipient,
            "made_at": message.created_at,
            "sent_at": message.sent_at,
            "delivered_at": message.delivered_at,
            "state": message.state,
            "subject": message.subject,
            "text": message.body,
            "id": message.id,
        }
        for message in _of(Notification, Notification.patient_id == patient.id)
    ]
    words = {
        "channel": _l("By"),
        "recipient": _l("To"),
        "made_at": _l("Written"),
        "sent_at": _l("Sent"),
        "delivered_at": _l("Delivered"),
        "subject": _l("Subject"),
        "text": _l("Text"),
    }
    return ExportPart("messages.json", content, _l("Messages that we sent you"), words)


def _trail(ctx: PatientDataContext) -> ExportPart:
    titles = {found.owner: found.title for found in installed()}
    content = [
        {
            "at": entry.at,
            "who": entry.actor_name
            if entry.actor_kind == "staff"
            else str(_WHO.get(entry.actor_kind, entry.actor_kind)),
            "what": audit.in_words(entry.action, titles),
            "action": entry.action,
            "number": entry.seq,
        }
        for entry in audit.every(ctx.practice.id, audit.Filter(patient_id=ctx.patient.id))
    ]
    words = {"at": _l("When"), "who": _l("Who"), "what": _l("What")}
    return ExportPart("access.json", content, _l("Who looked at your record or changed it"), words)


def _of(model: Any, *which: ColumnElement[bool]) -> Sequence[Any]:
    return db.session().scalars(select(model).where(*which).order_by(model.created_at, model.id)).all()


# --- erasing -----------------------------------------------------------------------------------------------------


def notices_of(patient_id: UUID) -> list[UUID]:
    """The notices under the bell that speak of the patient: they name them. Ask before links and messages go."""
    session = db.session()
    subjects = {
        patient_id,
        *session.scalars(select(Link.subject_id).where(Link.patient_id == patient_id)),
        *filter(
            None,
            session.scalars(select(Notification.subject_id).where(Notification.patient_id == patient_id)),
        ),
    }
    found = set(session.scalars(select(InboxItem.id).where(InboxItem.patient_id == patient_id)))
    for some in _batches(subjects):
        found.update(session.scalars(select(InboxItem.id).where(InboxItem.subject_id.in_(some))))
    return sorted(found)


def erase_what_hangs_on(patient: Patient, *, preview: bool) -> list[Erased]:
    """Links, messages, notices, exports, records of uploads, and files of plugins that are not installed any more."""
    session = db.session()
    notices = notices_of(patient.id)
    exports = _of(PatientExport, PatientExport.patient_id == patient.id)
    whole = _of(PracticeExport, PracticeExport.blob.is_not(None))  # the patient is in them, too
    uploads = _of(Upload, Upload.patient_id == patient.id)
    known = owners()
    stored = [file for file in _of(File, File.patient_id == patient.id) if file.owner not in known]
    erased = [
        Erased(_l("Links"), _count(Link, Link.patient_id == patient.id)),
        Erased(_l("Messages"), _count(Notification, Notification.patient_id == patient.id)),
        Erased(_l("Notices under the bell"), len(notices)),
        Erased(_l("Earlier exports of the data"), len(exports)),
        Erased(_l("Earlier exports of the whole practice"), len(whole)),
        Erased(_l("Records of uploads"), len(uploads)),
        Erased(_l("Files"), len(stored)),
        *further.erase(patient.id, preview=preview),
    ]
    if not preview:
        for upload in uploads:
            files.uploads.forget(upload)
        for file in stored:
            files.delete(file.id)
        for some in _batches(notices):
            session.execute(delete(InboxRead).where(InboxRead.item_id.in_(some)))
            session.execute(delete(InboxItem).where(InboxItem.id.in_(some)))
        delete_after_commit([export.blob for export in exports if export.blob])
        for export in whole:
            keeping.drop_blob(export)
        for model in (PatientExport, Notification, Link):
            session.execute(delete(model).where(cast(Any, model).patient_id == patient.id))
    return [one for one in erased if one.count]


def identity_rows(patient_id: UUID) -> int:
    """The patient's own row and the numbers by which others know the patient."""
    return 1 + _count(PatientIdentifier, PatientIdentifier.patient_id == patient_id)


def remove_identity(patient: Patient) -> None:
    """The row goes, and with it what leads to it."""
    for model in (PatientSearchWord, PatientIdentifier):
        db.session().execute(delete(model).where(cast(Any, model).patient_id == patient.id))
    db.session().execute(delete(Patient).where(Patient.id == patient.id))


def anonymise(patient: Patient) -> None:
    """The row stays, since something hangs on it, and says nothing about anybody any more."""
    for model in (PatientSearchWord, PatientIdentifier):
        db.session().execute(delete(model).where(cast(Any, model).patient_id == patient.id))
    patient.given_names, patient.family_name = _("Erased"), _("patient")
    patient.birth_date, patient.sex, patient.search_name = date(1900, 1, 1), "unknown", ""
    reduce(patient)


def reduce(patient: Patient) -> None:
    """Nobody can be reached any more and no list shows the patient; name, date of birth and numbers stay."""
    patient.email = patient.mobile = patient.phone = patient.language = None
    patient.active = False
    patient.version += 1


def _count(model: type[TenantModel], which: ColumnElement[bool]) -> int:
    return db.session().scalar(select(func.count(model.id)).where(which)) or 0


def _batches(ids: Iterable[UUID], size: int = 500) -> list[list[UUID]]:
    every = sorted(ids)
    return [every[start : start + size] for start in range(0, len(every), size)]
