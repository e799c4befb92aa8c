"""An uploaded list between its upload and its result: received, checked, waiting, running, done.

The steps open their own scopes through `open_scope`, one a batch, so that other people can write in between; a step
that dies half-way begins anew and meets its own work as "unchanged".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, undefer

from core import audit, db, i18n
from core.errors import Refused
from core.i18n import _
from core.patients.errors import PatientError
from core.patients.imports import Duplicates, Importer, ImportReport
from core.patients.models import PatientImport
from core.realtime.events import publish, topic
from core.spreadsheets import line, separator

OpenScope = Callable[..., AbstractContextManager[Session]]

TOPIC: Final = "core.patient_import"
"""``core.patient_import:<id>``, and alone for all of the practice."""
KEPT_FOR: Final = timedelta(days=30)
_LONGEST_FILE_NAME = 200


class ImportNotFound(PatientError):
    """No such import in this practice, or it was discarded."""

    def __init__(self) -> None:
        super().__init__("", "not_found", status=404)


def receive(file_name: str, content: bytes) -> PatientImport:
    """Keep an uploaded file until its import is done. Raises NotATable when it is no list of patients at all."""
    Importer(content)
    who = audit.actor()
    row = PatientImport(
        file_name="".join(filter(str.isprintable, file_name))[:_LONGEST_FILE_NAME] or "patients.csv",
        state="received",
        language=i18n.locale_tag(),
        content=content,
        actor={"kind": who.kind, "id": who.id, "name": who.name},
    )
    db.session().add(row)
    db.session().flush()
    _tell(row.id)
    return row


def get(import_id: UUID) -> PatientImport:
    """Raises ImportNotFound."""
    row = db.get(PatientImport, import_id)
    if row is None:
        raise ImportNotFound()
    return row


def report_of(row: PatientImport) -> ImportReport:
    return ImportReport.from_json(row.report)


def check(import_id: UUID, open_scope: OpenScope) -> None:
    """Go through the file without writing a patient; then it is "checked" and its report says what would happen."""
    with open_scope(write=False):
        row, content = _with_content(import_id)
        if row.state != "received":
            return
        language = row.language
        with i18n.use_language(language):
            importer = Importer(content)
            for rows in importer.batches():
                importer.take(rows, dry_run=True)
    with open_scope():
        row = get(import_id)
        row.state, row.report = "checked", importer.report.as_json()
        _tell(import_id)


def confirm(import_id: UUID, duplicates: Duplicates) -> PatientImport:
    """Somebody has read the report and says yes. Raises ImportNotFound, Refused when it is no longer to be decided."""
    row = _locked(import_id)
    if row.state != "checked":
        raise Refused(_("This list has been imported already."), "already_imported")
    row.state, row.duplicates = "waiting", duplicates
    _tell(import_id)
    audit.record(
        "patients.import_confirmed",
        subject=("core.patient_import", row.id),
        detail={"duplicates": duplicates},
    )
    return row


def run(import_id: UUID, open_scope: OpenScope) -> None:
    """Import a confirmed list, a batch a transaction."""
    with open_scope(write=False):
        row, content = _with_content(import_id)
        if row.state not in ("waiting", "running"):
            return
        who = audit.Actor(**row.actor)
        duplicates: Any = row.duplicates
        with i18n.use_language(row.language):
            importer = Importer(content, duplicates)
            batches = list(importer.batches())
        language = row.language
    with audit.use_actor(who):
        for rows in batches:
            with open_scope(), i18n.use_language(language):
                importer.take(rows, dry_run=False)
                _note(import_id, "running", importer.report)
        with open_scope():
            row = _note(import_id, "done", importer.report)
            row.content, row.finished_at = None, db.utcnow()
            facts = {key: value for key, value in importer.report.as_json().items() if isinstance(value, int)}
            audit.record(
                "patients.imported",
                subject=("core.patient_import", import_id),
                detail={**facts, "bad": importer.report.bad},
            )


def discard(import_id: UUID) -> None:
    """Forget an uploaded list that nobody wants imported. Raises ImportNotFound."""
    row = _locked(import_id)
    if row.state in ("received", "checked"):
        db.session().delete(row)
        _tell(import_id)


def bad_rows_csv(report: ImportReport) -> str:
    """The rows that stayed out, as they came, with the reason in a last column: to be corrected and imported again."""
    between = separator()
    lines = [line([*report.header, _("What is wrong")], between)]
    for row in report.bad_rows:
        cells = [*row.cells, *[""] * (len(report.header) - len(row.cells))][: len(report.header)]
        reasons = " ".join(
            _("%(field)s: %(problem)s", field=column, problem=sentence) if column else sentence
            for column, sentence in row.problems
        )
        lines.append(line([*cells, reasons], between))
    return "".join(lines)


def forget_old(_payload: dict[str, Any]) -> None:
    """Sweep across practices: lists and reports hold patients' details and do not stay for ever."""
    with db.scope(across_practices=True) as session:
        session.execute(delete(PatientImport).where(PatientImport.created_at < db.utcnow() - KEPT_FOR))


def _with_content(import_id: UUID) -> tuple[PatientImport, bytes]:
    statement = (
        select(PatientImport).where(PatientImport.id == import_id).options(undefer(PatientImport.content))
    )
    row = db.session().scalar(statement)
    if row is None:
        raise ImportNotFound()
    return row, row.content or b""


def _locked(import_id: UUID) -> PatientImport:
    row = db.session().scalar(select(PatientImport).where(PatientImport.id == import_id).with_for_update())
    if row is None:
        raise ImportNotFound()
    return row


def _tell(import_id: UUID) -> None:
    publish(topic(TOPIC, import_id), "changed")
    publish(topic(TOPIC), "changed")


def _note(import_id: UUID, state: str, report: ImportReport) -> PatientImport:
    row = get(import_id)
    row.state, row.report = state, report.as_json()
    _tell(import_id)
    return row
