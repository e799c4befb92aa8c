"""Importing a list of patients: every row is looked at by itself; good ones go in, bad ones come back with reasons.

Rows whose patient is already here (same NHS, INS or record number, or the same name and date of birth) update that
patient or leave it alone, as chosen. An empty cell never erases anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, BinaryIO, Final, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from core import audit, db, tenancy
from core.i18n import _
from core.patients import csv_reading, details, import_columns, names, service
from core.patients.csv_reading import Record
from core.patients.import_columns import Layout
from core.patients.models import Patient, PatientIdentifier

Duplicates = Literal["update", "skip"]
Outcome = Literal["created", "updated", "unchanged", "skipped", "bad"]

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that stays out. `problems`: (column as the file names it, "" for the whole row; sentence)."""

    number: int
    cells: list[str]
    problems: list[tuple[str, str]]


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do: how many rows by outcome, and each bad one."""

    header: list[str] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def bad(self) -> int:
        return len(self.bad_rows)

    @property
    def total(self) -> int:
        return self.created + self.updated + self.unchanged + self.skipped + self.bad

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> ImportReport:
        rows = [
            BadRow(r["number"], r["cells"], [(c, s) for c, s in r["problems"]])
            for r in stored.get("bad_rows", [])
        ]
        return cls(**{**stored, "bad_rows": rows})


@dataclass(slots=True)
class Row:
    """A row on its way: what it says, and what is wrong with it."""

    record: Record
    values: dict[str, Any]
    problems: list[tuple[str, str]]
    patient: Patient | None = None


class Importer:
    """Takes one table through, batch by batch; remembers across batches which rows it has met."""

    def __init__(self, content: bytes, duplicates: Duplicates = "update") -> None:
        """Raises NotATable when the content is none, or lacks a needed column."""
        self._text = csv_reading.decode(content)
        self.layout: Layout = import_columns.find(self._text)
        self.duplicates = duplicates
        self._met: dict[tuple[str, ...], int] = {}
        self.report = ImportReport(
            header=self.layout.header,
            ignored_columns=[
                name
                for name, known in zip(self.layout.header, self.layout.fields, strict=True)
                if name and not known
            ],
        )

    def batches(self) -> Iterator[list[Row]]:
        """The rows, cleaned, a few hundred at a time; needs the practice, and no database."""
        records = csv_reading.records(self._text, self.layout.delimiter)
        next(records)
        practice = tenancy.current()
        country, locale = practice.country, practice.language
        while batch := list(islice(records, BATCH)):
            yield [self._clean(record, country, locale) for record in batch]

    def take(self, rows: list[Row], *, dry_run: bool) -> None:
        """Look up, decide, and (unless it is a dry run) write one batch into the current scope."""
        self._find_patients(rows)
        good = [row for row in rows if not row.problems]
        if dry_run:
            for row in good:
                self._count(self._outcome(row))
        else:
            self._write(good)
        for row in rows:
            if row.problems:
                self.report.bad_rows.append(BadRow(row.record.number, row.record.cells, row.problems))

    # --- reading a row ---

    def _clean(self, record: Record, country: str, locale: str) -> Row:
        if record.fault:
            return Row(record, {}, [("", record.fault)])
        surplus = [cell for cell in record.cells[len(self.layout.header) :] if cell]
        if surplus:
            return Row(
                record,
                {},
                [("", _("This row has more cells than the header. Check its separators and quotes."))],
            )
        raw: dict[str, object] = {
            name: _unquoted(cell)
            for name, cell in zip(self.layout.fields, record.cells, strict=False)
            if name and (cell or name in details.REQUIRED)
        }
        cleaned = details.clean(raw, country=country, locale=locale)
        problems = [
            (self.layout.header_of(name), cleaned.problems[name])
            for name in details.FIELDS
            if name in cleaned.problems
        ]
        row = Row(record, cleaned.values, problems)
        if not problems:
            self._refuse_repeated(row)
        return row

    def _refuse_repeated(self, row: Row) -> None:
        """Two rows for one person: which is right, only a person can say. The first is taken."""
        values = row.values
        keys: list[tuple[str, ...]] = [
            (name, values[name]) for name in details.IDENTIFIERS if values.get(name)
        ]
        column = {key: self.layout.header_of(key[0]) for key in keys}
        if not keys:
            keys = [("person", _name_of(values), values["birth_date"].isoformat())]
        for key in keys:
            first = self._met.setdefault(key, row.record.number)
            if first != row.record.number:
                row.problems.append(
                    (
                        column.get(key, ""),
                        _("Row %(num)d is about the same person. Keep one of the two.", num=first),
                    )
                )

    # --- who is already here ---

    def _find_patients(self, rows: list[Row]) -> None:
        by_identifier = _holders(rows)
        by_person = _namesakes(rows)
        for row in rows:
            if not row.problems:
                self._match(row, by_identifier, by_person)

    def _match(
        self,
        row: Row,
        by_identifier: dict[tuple[str, str], Patient],
        by_person: dict[tuple[str, str], list[Patient]],
    ) -> None:
        held: dict[UUID, tuple[str, Patient]] = {}
        for name, system in details.IDENTIFIERS.items():
            if (value := row.values.get(name)) and (patient := by_identifier.get((system, value))):
                held.setdefault(patient.id, (name, patient))
        if len(held) > 1:
            row.problems.append(
                ("", _("The numbers in this row belong to two different patients here. Check them."))
            )
        elif held:
            name, row.patient = next(iter(held.values()))
            if row.patient.birth_date != row.values["birth_date"]:
                sentence = _(
                    "The patient with this number has another date of birth here. Check which is right."
                )
                row.problems.append((self.layout.header_of(name), sentence))
        else:
            person = (_name_of(row.values), row.values["birth_date"].isoformat())
            same = [p for p in by_person.get(person, []) if not _contradicts(row.values, p)]
            if len(same) > 1:
                row.problems.append(
                    (
                        "",
                        _(
                            "Several patients here have this name and birthday. Add a number that tells them apart."
                        ),
                    )
                )
            row.patient = same[0] if len(same) == 1 else None

    # --- deciding and writing ---

    def _outcome(self, row: Row) -> Outcome:
        if row.patient is None:
            return "created"
        if self.duplicates == "skip":
            return "skipped"
        return "updated" if _differs(row.values, row.patient) else "unchanged"

    def _count(self, outcome: Outcome, by: int = 1) -> None:
        setattr(self.report, outcome, getattr(self.report, outcome) + by)

    def _write(self, rows: list[Row]) -> None:
        """All at once; when the database refuses something that we did not foresee, one by one, to lose no good row."""
        try:
            with db.savepoint():
                outcomes = Counter(self._write_one(row) for row in rows)
                db.session().flush()
        except IntegrityError:
            self._find_patients(rows)
            outcomes = Counter(self._write_alone(row) for row in rows if not row.problems)
        for outcome, number in outcomes.items():
            if outcome != "bad":
                self._count(outcome, number)

    def _write_alone(self, row: Row) -> Outcome:
        try:
            with db.savepoint():
                outcome = self._write_one(row)
                db.session().flush()
        except IntegrityError:
            row.problems.append(
                ("", _("This patient was changed by somebody else during the import. Import the row again."))
            )
            return "bad"
        return outcome

    def _write_one(self, row: Row) -> Outcome:
        outcome = self._outcome(row)
        if outcome == "created":
            patient = Patient(id=db.uuid7(), active=True)
            service.add(patient, row.values)
            audit.record("patient.created", patient_id=patient.id, detail={"by": "import"})
        elif outcome == "updated" and row.patient is not None:
            changed = service.change(row.patient, row.values, service.identifiers_of(row.patient))
            detail = {"by": "import", "fields": sorted(changed)}
            audit.record("patient.changed", patient_id=row.patient.id, detail=detail)
        return outcome


def import_csv(stream: BinaryIO, *, duplicates: Duplicates = "update", dry_run: bool = False) -> ImportReport:
    """Import a whole table into the current scope. Raises NotATable when it is none; bad rows are in the report."""
    importer = Importer(stream.read(csv_reading.MOST_BYTES + 1), duplicates)
    for rows in importer.batches():
        importer.take(rows, dry_run=dry_run)
        if not dry_run:
            db.session().flush()
    return importer.report


def _unquoted(cell: str) -> str:
    # Spreadsheets keep a number as text behind an apostrophe, and our own list of bad rows does as well.
    return cell[1:] if cell.startswith("'") and len(cell) > 1 and not cell[1].isalpha() else cell


def _name_of(values: dict[str, Any]) -> str:
    return names.search_name(values["family_name"], values["given_names"])


def _holders(rows: Iterable[Row]) -> dict[tuple[str, str], Patient]:
    """Who has the identifiers of these rows: two queries for all of them."""
    wanted = {row.values[name] for row in rows for name in details.IDENTIFIERS if row.values.get(name)}
    if not wanted:
        return {}
    held = list(db.session().scalars(select(PatientIdentifier).where(PatientIdentifier.value.in_(wanted))))
    people = service.get_many({one.patient_id for one in held})
    return {(one.system, one.value): people[one.patient_id] for one in held}


def _namesakes(rows: Iterable[Row]) -> dict[tuple[str, str], list[Patient]]:
    good = [row for row in rows if not row.problems]
    search_names = {_name_of(row.values) for row in good}
    if not search_names:
        return {}
    statement = (
        select(Patient)
        .where(
            Patient.birth_date.in_({row.values["birth_date"] for row in good}),
            Patient.search_name.in_(search_names),
        )
        .options(selectinload(Patient.identifiers))
    )
    found: dict[tuple[str, str], list[Patient]] = {}
    for patient in db.session().scalars(statement):
        found.setdefault((patient.search_name, patient.birth_date.isoformat()), []).append(patient)
    return found


def _contradicts(values: dict[str, Any], patient: Patient) -> bool:
    """Same name and birthday, yet another number of the same kind: somebody else."""
    return any(
        values.get(name) and (held := patient.identifier(system)) and held != values[name]
        for name, system in details.IDENTIFIERS.items()
    )


def _differs(values: dict[str, Any], patient: Patient) -> bool:
    if any(name in values and getattr(patient, name) != values[name] for name in details.COLUMNS):
        return True
    return any(
        values.get(name) and patient.identifier(system) != values[name]
        for name, system in details.IDENTIFIERS.items()
    )
