"""What else the core keeps about a patient: every table of it that has a ``patient_id``, found by itself.

So a table that comes later is exported and erased without a line here; with a line, the patient can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select

from core import db
from core.i18n import LazyString, _l
from core.patient_data import own_rows
from core.patient_data.parts import Erased, ExportPart
from core.tenancy.switches import CORE

_SAID_ELSEWHERE: Final = frozenset(
    {
        "core_audit_entry",
        "core_file",
        "core_inbox_item",
        "core_link",
        "core_notification",
        "core_patient_erasure",
        "core_patient_export",
        "core_patient_identifier",
        "core_patient_search_word",
        "core_upload",
    }
)


@dataclass(frozen=True, slots=True)
class _Words:
    title: LazyString
    fields: Mapping[str, LazyString] = field(default_factory=dict)


_WORDS: Final = {
    "core_patient_alert": _Words(
        _l("Notes that staff see first"),
        {
            "text": _l("Text"),
            "added_by": _l("By"),
            "created_at": _l("Written"),
            "resolved_at": _l("Taken off"),
        },
    ),
    "core_contact_state": _Words(
        _l("What you agreed to about being contacted"),
        {
            "channel": _l("By"),
            "consent": _l("Agreed"),
            "consent_at": _l("Agreed on"),
            "verified_value": _l("Confirmed number or address"),
            "verified_at": _l("Confirmed on"),
        },
    ),
    "core_emergency_access": _Words(
        _l("Access in an emergency"),
        {
            "user_name": _l("Who"),
            "started_at": _l("From"),
            "ends_at": _l("Until"),
            "reason": _l("Why"),
            "reviewed_at": _l("Looked into on"),
        },
    ),
    "core_active_patient": _Words(_l("Whose screen the record is open on"), {"at": _l("Since")}),
}


def export(patient_id: UUID) -> list[ExportPart]:
    """A part for each further table with rows about the patient."""
    parts = []
    for model in _models():
        found = select(model).where(_of(model) == patient_id).order_by(model.id)
        if rows := [own_rows.as_json(row) for row in db.session().scalars(found)]:
            words = _WORDS.get(model.__tablename__)
            name = own_rows.table_title(model, CORE)
            parts.append(
                ExportPart(
                    f"{name}.json", rows, words.title if words else name, words.fields if words else {}
                )
            )
    return parts


def erase(patient_id: UUID, *, preview: bool) -> list[Erased]:
    """Remove those rows; with ``preview`` only count them."""
    session, erased = db.session(), []
    for model in reversed(_models()):
        count = session.scalar(select(func.count(model.id)).where(_of(model) == patient_id)) or 0
        words = _WORDS.get(model.__tablename__)
        erased.append(Erased(words.title if words else own_rows.table_title(model, CORE), count))
        if count and not preview:
            session.execute(delete(model).where(_of(model) == patient_id))
    return erased


def _models() -> list[own_rows.Model]:
    return [
        model
        for model in own_rows.models_of(CORE)
        if hasattr(model, "patient_id") and model.__tablename__ not in _SAID_ELSEWHERE
    ]


def _of(model: own_rows.Model) -> Any:
    return getattr(model, "patient_id")  # noqa: B009 - each of them has one
