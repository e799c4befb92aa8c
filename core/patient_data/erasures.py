"""A patient's erasure: previewed, confirmed, done by the worker in one transaction.

Either every owner has erased its part, and then nothing that may not stay is left, or nothing has changed: a plugin
that raises, or that leaves rows behind without a reason, leaves the erasure unfinished, for everybody to see, with its
name. The audit trail stays as it is, sealed: it names patients by their ids only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, cast
from uuid import UUID

import structlog
from sqlalchemy import CursorResult, select, update

from core import audit, db, files, jobs, tenancy
from core.errors import Refused
from core.files.models import File, Upload
from core.i18n import _
from core.patient_data import absent, core_part, own_rows, sources
from core.patient_data.models import DONE, FAILED, QUEUED, RUNNING, PatientErasure
from core.patient_data.parts import Erased, PatientDataContext
from core.patient_data.sources import Source, SourceFailed
from core.patients import Patient
from core.patients import get as get_patient
from core.realtime.events import publish, topic
from core.tenancy.switches import CORE

ERASE: Final = "core.erase_patient"
LOOK_AGAIN: Final = "core.look_again_after_erasure"
TOPIC: Final = "core.patient_erasure"
_SECOND_LOOK: Final = timedelta(minutes=30)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """A kind of thing in words. stays: the legal reason for which it must, "" when it goes."""

    what: str
    count: int
    stays: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What becomes of one owner's data. failed: the owner could not say, and so nothing can be erased yet."""

    owner: str
    title: str
    lines: list[Line]
    failed: str = ""

    @property
    def goes(self) -> list[Line]:
        return [line for line in self.lines if not line.stays]

    @property
    def stays(self) -> list[Line]:
        return [line for line in self.lines if line.stays]


@dataclass(frozen=True, slots=True)
class Preview:
    """outcome: what becomes of the patient's own row: removed, anonymised, or reduced to name and date of birth."""

    sections: list[Section]
    outcome: str

    @property
    def is_possible(self) -> bool:
        return not any(section.failed for section in self.sections)


def preview(patient: Patient) -> Preview:
    """What an erasure would do now, in the current language.

    Each owner is asked in a scope of its own that only reads, and that is undone: what a plugin changes all the same
    harms nobody, and one that fails takes nobody along.
    """
    practice_id, patient_id = patient.practice_id, patient.id

    def asked(source: Source) -> list[Erased]:
        with _undone(practice_id):
            return _asked(
                source, PatientDataContext(tenancy.current(), get_patient(patient_id), preview=True)
            )

    sections, answers = _ask_plugins(asked, may_fail=True)
    outcome = _outcome(answers)
    with _undone(practice_id):
        core = _of_core(get_patient(patient_id), outcome, preview=True)
        sections += [Section(one.owner, one.owner, [], one.why) for one in absent.of_patient(patient_id)]
    return Preview([core, *sections], outcome)


@contextmanager
def _undone(practice_id: UUID) -> Iterator[None]:
    scope = db.open_scope(practice_id, write=False)
    try:
        yield
    finally:
        scope.session.rollback()
        scope.close()


def request(patient: Patient) -> PatientErasure:
    """Have the worker erase a patient, in the current write scope. One that is not done yet is answered instead."""
    known = latest(patient.id)
    if known is not None and known.state != DONE:
        retry(known)
        return known
    actor = audit.actor()
    erasure = PatientErasure(
        id=db.uuid7(), patient_id=patient.id, requested_by=actor.id, requested_by_name=actor.name
    )
    db.session().add(erasure)
    audit.record(
        "patient.erasure_requested", patient_id=patient.id, subject=("core.patient_erasure", erasure.id)
    )
    _enqueue(erasure)
    return erasure


def retry(erasure: PatientErasure) -> None:
    """Try one that failed once more. On any other nothing happens."""
    if _turned(erasure, (FAILED,), state=QUEUED, failed_owner=None, error=None):
        _enqueue(erasure)
        _tell(erasure)


def withdraw(erasure: PatientErasure) -> None:
    """Think better of one that failed: nothing has gone. Raises Refused when it is being done or is done."""
    if not _turned(erasure, (FAILED, QUEUED), state="withdrawn", finished_at=db.utcnow()):
        raise Refused(_("It is too late: the data is being erased."), "too_late")
    audit.record(
        "patient.erasure_withdrawn",
        patient_id=erasure.patient_id,
        subject=("core.patient_erasure", erasure.id),
    )
    _tell(erasure)


def _turned(erasure: PatientErasure, states: Collection[str], **values: Any) -> bool:
    """Change it if the database has it in one of these states at this moment; False when the worker was quicker."""
    changed = db.session().execute(
        update(PatientErasure)
        .where(PatientErasure.id == erasure.id, PatientErasure.state.in_(states))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(erasure)
    return cast("CursorResult[Any]", changed).rowcount == 1


def get(erasure_id: UUID) -> PatientErasure | None:
    return db.get(PatientErasure, erasure_id)


def latest(patient_id: UUID) -> PatientErasure | None:
    """The newest erasure of a patient that was not withdrawn."""
    return db.session().scalar(
        select(PatientErasure)
        .where(PatientErasure.patient_id == patient_id, PatientErasure.state != "withdrawn")
        .order_by(PatientErasure.created_at.desc(), PatientErasure.id.desc())
        .limit(1)
    )


def recent(limit: int = 50) -> list[PatientErasure]:
    """The practice's erasures, newest first."""
    found = select(PatientErasure).order_by(PatientErasure.created_at.desc(), PatientErasure.id.desc())
    return list(db.session().scalars(found.limit(limit)))


def erase(payload: dict[str, Any]) -> None:
    """Job core.erase_patient."""
    erasure_id = UUID(payload["erasure_id"])
    with jobs.scope():
        erasure = _held(erasure_id)
        if erasure is None or erasure.state not in (QUEUED, RUNNING):
            return
        erasure.state, erasure.tries = RUNNING, erasure.tries + 1
        actor = audit.Actor("staff", erasure.requested_by, erasure.requested_by_name)
        _tell(erasure)
    try:
        with audit.use_actor(actor), jobs.scope():
            _erase(erasure_id)
    except SourceFailed as error:
        _failed(erasure_id, error.owner, error.what)
    except Exception as error:
        _failed(erasure_id, None, type(error).__name__)


def _held(erasure_id: UUID) -> PatientErasure | None:
    """As the database has it now, and nobody else changes it before this transaction ends."""
    return db.session().get(
        PatientErasure, (db.practice_id(), erasure_id), with_for_update=True, populate_existing=True
    )


def _erase(erasure_id: UUID) -> None:
    """Everything in one transaction: all of it, or nothing. Another worker may have done it meanwhile."""
    erasure = _held(erasure_id)
    if erasure is None or erasure.state != RUNNING:
        return
    patient = get_patient(erasure.patient_id)
    done = _do(patient)
    erasure.state, erasure.outcome, erasure.finished_at = DONE, done.outcome, db.utcnow()
    erasure.report = {"sections": [_plain(section) for section in done.sections]}
    kept = sorted(section.owner for section in done.sections if section.stays)
    audit.record(
        "patient.erased",
        patient_id=erasure.patient_id,
        subject=("core.patient_erasure", erasure.id),
        detail={
            "outcome": done.outcome,
            "went": {s.owner: sum(line.count for line in s.goes) for s in done.sections if s.goes},
            "stays": {s.owner: sum(line.count for line in s.stays) for s in done.sections if s.stays},
        },
    )
    jobs.enqueue(
        LOOK_AGAIN, due_at=db.utcnow() + _SECOND_LOOK, patient_id=erasure.patient_id, kept_owners=kept
    )
    publish(topic("core.patient", erasure.patient_id), "erased")
    _tell(erasure)


def look_again(payload: dict[str, Any]) -> None:
    """Job: what was on its way while the patient was erased (an upload that just ended) goes, too."""
    patient_id, kept = UUID(payload["patient_id"]), payload["kept_owners"]
    with jobs.scope() as session:
        for upload in session.scalars(select(Upload).where(Upload.patient_id == patient_id)):
            files.uploads.forget(upload)
        for file in session.scalars(select(File).where(File.patient_id == patient_id)):
            if file.owner not in kept:
                files.delete(file.id)


def _do(patient: Patient) -> Preview:
    """Let every plugin erase its part, then the core, in the current transaction. Raises SourceFailed."""
    absent.refuse_of_patient(patient.id)
    ctx = PatientDataContext(tenancy.current(), patient)
    sections, answers = _ask_plugins(lambda source: _asked(source, ctx), may_fail=False)
    outcome = _outcome(answers)
    return Preview([_of_core(patient, outcome, preview=False), *sections], outcome)


def _ask_plugins(
    ask: Callable[[Source], list[Erased]], *, may_fail: bool
) -> tuple[list[Section], list[Erased]]:
    sections: list[Section] = []
    answers: list[Erased] = []
    # What comes later may lean on what comes before: the last one erases first.
    for source in reversed(sources.installed()):
        title = str(own_rows.title_of(source))
        try:
            erased = ask(source)
        except SourceFailed as error:
            if not may_fail:
                raise
            sections.append(Section(source.owner, title, [], error.what))
            continue
        answers += erased
        if erased:
            sections.append(Section(source.owner, title, [_line(one) for one in erased]))
    return sections[::-1], answers


def _asked(source: Source, ctx: PatientDataContext) -> list[Erased]:
    before = None if ctx.preview else own_rows.rows_about(source.owner, ctx.patient.id)
    try:
        if source.erase_patient is None:
            erased = own_rows.erase_patient(source, ctx)
        else:
            erased = source.erase_patient(ctx)
        db.session().flush()
    except Exception as error:
        raise SourceFailed(source.owner, type(error).__name__) from error
    if before is not None:
        _look_what_is_left(source.owner, ctx.patient.id, before, [one for one in erased if one.stays])
    return [one for one in erased if one.count]


def _look_what_is_left(owner: str, patient_id: UUID, before: own_rows.Rows, staying: list[Erased]) -> None:
    """Raises SourceFailed when more is left than the plugin said must stay.

    A thing that stays may hold rows of other tables, so with a reason only the topmost tables are held to the count.
    """
    left = own_rows.left(owner, patient_id, before)
    if staying:
        may_stay, top = sum(one.count for one in staying), own_rows.topmost(owner, patient_id)
        left = {table: count for table, count in left.items() if table in top and count > may_stay}
    if left:
        tables = ", ".join(f"{table} ({count})" for table, count in left.items())
        raise SourceFailed(owner, f"left rows behind and gave no reason: {tables}")


def _outcome(answers: list[Erased]) -> str:
    staying = [one for one in answers if one.stays]
    if not staying:
        return "removed"
    return "reduced" if any(one.needs_identity for one in staying) else "anonymised"


def _of_core(patient: Patient, outcome: str, *, preview: bool) -> Section:
    rows = core_part.identity_rows(patient.id)
    lines = [_line(one) for one in core_part.erase_what_hangs_on(patient, preview=preview)]
    if outcome == "reduced":
        reason = _("What must stay is of no use unless it is known whose it is.")
        lines.insert(0, Line(_("Name, date of birth and numbers"), rows, reason))
        lines.insert(1, Line(_("Phone numbers, e-mail address and language"), 1))
    else:
        lines.insert(0, Line(_("Name, date of birth, numbers and contact details"), rows))
    if not preview:
        act = {"removed": core_part.remove_identity, "anonymised": core_part.anonymise}
        act.get(outcome, core_part.reduce)(patient)
    return Section(CORE, _("Patient record"), lines)


def _line(one: Erased) -> Line:
    return Line(str(one.what), one.count, str(one.stays), one.until)


def _plain(section: Section) -> dict[str, Any]:
    lines = [
        {"what": line.what, "count": line.count, "stays": line.stays,
         "until": line.until.isoformat() if line.until else None}
        for line in section.lines
    ]  # fmt: skip
    return {"owner": section.owner, "title": section.title, "lines": lines}


def report_of(erasure: PatientErasure) -> list[Section]:
    """What went and what stayed, as it was noted."""
    return [
        Section(
            found["owner"],
            found["title"],
            [
                Line(
                    line["what"],
                    line["count"],
                    line["stays"],
                    date.fromisoformat(line["until"]) if line["until"] else None,
                )
                for line in found["lines"]
            ],
        )
        for found in erasure.report.get("sections", [])
    ]


def _failed(erasure_id: UUID, owner: str | None, what: str) -> None:
    log.error("patient_erasure.failed", erasure=str(erasure_id), owner=owner, error=what)
    with jobs.scope():
        erasure = _held(erasure_id)
        if erasure is not None and erasure.state == RUNNING:
            erasure.state, erasure.failed_owner, erasure.error = FAILED, owner, what[:200]
            audit.record(
                "patient.erasure_failed",
                patient_id=erasure.patient_id,
                subject=("core.patient_erasure", erasure.id),
                detail={"owner": owner or CORE},
            )
            _tell(erasure)


def _enqueue(erasure: PatientErasure) -> None:
    db.session().flush()
    jobs.enqueue(ERASE, erasure_id=erasure.id)


def _tell(erasure: PatientErasure) -> None:
    publish(topic(TOPIC, erasure.id), erasure.state, erasure=erasure.id)
    publish(topic(TOPIC), erasure.state, erasure=erasure.id)
