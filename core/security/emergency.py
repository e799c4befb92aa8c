"""Emergency access ("break glass"): opening a record that one's role does not open, for a reason and for an hour.

Two kinds of record are outside a role: any, for somebody who may not find patients at all; and a restricted one
(a colleague's, a neighbour's, a witness's) for everybody who has no right to restricted records. Nobody is kept from
care: who works here may open either at once, says why, and the administrators are told and look at it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, func, select

from core import audit, db, settings, tenancy
from core.errors import Refused
from core.i18n import _, _l
from core.notifications import inbox, staff
from core.patients import Patient
from core.realtime import events
from core.security import letters, roles
from core.security.models import EmergencyAccess
from core.tenancy import Membership

VIEW: Final = "core.view_patients"
VIEW_RESTRICTED: Final = "core.view_restricted"
OPEN: Final = "core.emergency_access"
RESTRICT: Final = "core.restrict_patients"
OVERSEE: Final = "core.oversee"

TOPIC: Final = "core.emergency"
"""For the whole practice: a record was opened in an emergency, or somebody has looked at why."""

LASTS: Final = timedelta(hours=1)
LEAST_REASON: Final = 10
MOST_REASON: Final = 400

Why = Literal["role", "restricted"]


class ReasonMissing(Refused):
    """A reason is too short or too long to be one."""


def restricted_among(patient_ids: Collection[UUID]) -> set[UUID]:
    """Which of these patients of the current practice are restricted. Asks nothing about those that are loaded."""
    held = {patient_id: db.held(Patient, patient_id) for patient_id in patient_ids}
    found = {patient_id for patient_id, patient in held.items() if patient is not None and patient.restricted}
    unknown = [patient_id for patient_id, patient in held.items() if patient is None]
    if unknown:
        query = select(Patient.id).where(Patient.id.in_(unknown), Patient.restricted.is_(True))
        found.update(db.session().scalars(query))
    return found


def current(patient_id: UUID, user_id: int) -> EmergencyAccess | None:
    """The emergency access that this user has to this record now."""
    return db.session().scalar(
        select(EmergencyAccess)
        .where(EmergencyAccess.patient_id == patient_id, EmergencyAccess.user_id == user_id)
        .where(EmergencyAccess.ends_at > db.utcnow())
        .order_by(EmergencyAccess.ends_at.desc())
        .limit(1)
    )


def opened_by(user_id: int) -> set[UUID]:
    """The records to which this user has emergency access now."""
    query = select(EmergencyAccess.patient_id).where(EmergencyAccess.user_id == user_id)
    return set(db.session().scalars(query.where(EmergencyAccess.ends_at > db.utcnow())))


def open_record(patient_id: UUID, user: User, why: Why, reason: str) -> EmergencyAccess:
    """Open a record for an hour; the administrators learn of it. Writes. Raises ReasonMissing, LookupError."""
    reason = " ".join(reason.split())
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        raise ReasonMissing(
            _(
                "Say in a sentence why you need this record now, with %(least)s to %(most)s characters.",
                least=LEAST_REASON,
                most=MOST_REASON,
            ),
            "reason",
            status=422,
        )
    if db.get(Patient, patient_id) is None:
        raise LookupError("no such patient in this practice")
    if (known := current(patient_id, user.id)) is not None:
        return known
    now = db.utcnow()
    made = EmergencyAccess(
        id=db.uuid7(),
        patient_id=patient_id,
        user_id=user.id,
        user_name=user.get_full_name(),
        why=why,
        reason=reason,
        started_at=now,
        ends_at=now + LASTS,
    )
    db.session().add(made)
    db.session().flush()
    audit.record(
        "emergency.opened",
        patient_id=patient_id,
        subject=("core.emergency_access", made.id),
        detail={"why": why, "minutes": int(LASTS.total_seconds()) // 60},
        reason=reason,
    )
    _tell(made)
    return made


def _tell(made: EmergencyAccess) -> None:
    events.publish(TOPIC, "opened", access=made.id)
    path = f"/oversight#access-{made.id}"
    inbox.notify(
        _l("%(name)s opened a record in an emergency", name=made.user_name),
        url=path,
        permission=OVERSEE,
        icon="shield-exclamation",
        subject=("core.emergency_access", made.id),
        key=f"emergency:{made.id}",
    )
    link = f"{settings.current().base_url}/p/{tenancy.current().slug}{path}"
    for user_id in _overseers():
        letters.write(
            user_id, staff.EMERGENCY_ACCESS, practice=tenancy.current().name, person=made.user_name, link=link
        )


def _overseers() -> list[int]:
    """Who looks at emergency accesses here: whoever has the right to, by whatever role."""
    here = select(Membership.user_id).where(
        Membership.practice_id == db.practice_id(), Membership.role.in_(roles.holders_of(OVERSEE))
    )
    return list(db.session().scalars(select(User.id).where(User.id.in_(here), User.active.is_(True))))


def set_restricted(patient_id: UUID, restricted: bool) -> bool:
    """Restrict a record or lift it, in a writing scope; False when it was so already. Raises LookupError."""
    patient = db.get(Patient, patient_id)
    if patient is None:
        raise LookupError("no such patient in this practice")
    if patient.restricted == restricted:
        return False
    patient.restricted = restricted
    audit.record("patient.restricted" if restricted else "patient.unrestricted", patient_id=patient_id)
    return True


# --- oversight -----------------------------------------------------------------------------------------------------


def page(
    limit: int, offset: int = 0, wanted: Sequence[ColumnElement[bool]] = ()
) -> list[tuple[EmergencyAccess, Patient]]:
    """Emergency accesses with their patients: what was not looked at first, then the newest.

    wanted: conditions that they fulfil.
    """
    rows = db.session().execute(
        select(EmergencyAccess, Patient)
        .join(
            Patient,
            (Patient.id == EmergencyAccess.patient_id) & (Patient.practice_id == EmergencyAccess.practice_id),
        )
        .where(*wanted)
        .order_by(EmergencyAccess.reviewed_at.is_not(None), EmergencyAccess.started_at.desc())
        .limit(limit)
        .offset(offset)
    )
    return [(access, patient) for access, patient in rows]


def count(wanted: Sequence[ColumnElement[bool]] = ()) -> int:
    """How many there are of them."""
    return db.session().scalar(select(func.count()).select_from(EmergencyAccess).where(*wanted)) or 0


def people() -> list[tuple[int, str]]:
    """Everybody who ever opened a record so, by name."""
    name = func.max(EmergencyAccess.user_name)
    query = select(EmergencyAccess.user_id, name).group_by(EmergencyAccess.user_id).order_by(name)
    return [(row[0], row[1]) for row in db.session().execute(query)]


def count_unreviewed() -> int:
    """How many nobody has looked at yet."""
    query = select(func.count()).select_from(EmergencyAccess).where(EmergencyAccess.reviewed_at.is_(None))
    return db.session().scalar(query) or 0


def review(access_id: UUID, user: User, note: str) -> None:
    """Note that an administrator looked at it. Raises LookupError; Refused for one's own."""
    found = db.get(EmergencyAccess, access_id)
    if found is None:
        raise LookupError("no such access in this practice")
    if found.user_id == user.id and len(_overseers()) > 1:
        raise Refused(_("Another administrator has to look at what you opened yourself."), "own")
    if found.reviewed_at is not None:
        return
    found.reviewed_at, found.reviewed_by = db.utcnow(), user.get_full_name()
    found.review = " ".join(note.split())[:MOST_REASON] or None
    events.publish(TOPIC, "reviewed", access=access_id)
    audit.record(
        "emergency.reviewed", patient_id=found.patient_id, subject=("core.emergency_access", access_id)
    )
