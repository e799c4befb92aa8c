"""The trail as text that other programs read, line by line: FHIR AuditEvents, plain JSON, or a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, get_args

from core.audit.fhir import audit_event
from core.audit.models import AuditEntry
from core.audit.words import in_words
from core.spreadsheets import line
from core.tenancy import Practice

Format = Literal["fhir", "csv", "ndjson"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
COLUMNS: Final = (
    "seq", "at", "actor_kind", "actor_id", "actor_name", "action", "patient_id", "subject_type", "subject_id",
    "reason", "address", "request_id", "detail", "prev_hash", "hash",
)  # fmt: skip


def lines(
    entries: Iterable[AuditEntry],
    format: Format,
    practice: Practice,
    *,
    titles: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """The export, in pieces that end with a line's end. fhir: one AuditEvent a line (FHIR's bulk NDJSON).

    The table also says what was done in the reader's language; titles: what plugins are called, by name.
    """
    if format == "csv":
        yield from _table(entries, titles)
        return
    for entry in entries:
        made = audit_event(entry, practice) if format == "fhir" else _facts(entry)
        yield json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n"


def _table(entries: Iterable[AuditEntry], titles: Mapping[str, object] | None) -> Iterator[str]:
    after = COLUMNS.index("action") + 1
    yield line((*COLUMNS[:after], "action_in_words", *COLUMNS[after:]))
    for entry in entries:
        values = list(_facts(entry).values())
        values.insert(after, in_words(entry.action, titles))
        yield line([_cell(value) for value in values])


def _facts(entry: AuditEntry) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS}
    found["at"] = entry.at.isoformat()
    for name in ("patient_id", "subject_id"):
        found[name] = str(found[name]) if found[name] is not None else None
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
