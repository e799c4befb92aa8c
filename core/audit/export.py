"""The trail as text that other programs read, line by line: FHIR AuditEvents, plain JSON, or a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, get_args

from core import i18n
from core.audit.chain import Entry
from core.audit.fhir import audit_event
from core.audit.words import in_words
from core.i18n import _l
from core.spreadsheets import line, separator
from core.tenancy import Practice

Format = Literal["fhir", "csv", "ndjson"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
COLUMNS: Final = (
    "seq", "at", "actor_kind", "actor_id", "actor_name", "action", "patient_id", "subject_type", "subject_id",
    "reason", "address", "request_id", "detail", "prev_hash", "hash",
)  # fmt: skip


_TITLES: Final = {
    "seq": _l("Number"),
    "at": _l("When"),
    "actor_kind": _l("Kind of person"),
    "actor_name": _l("Who"),
    "action_in_words": _l("What was done"),
    "patient_id": _l("Patient’s identifier"),
    "reason": _l("Reason"),
    "address": _l("From where"),
    "detail": _l("Details"),
    "action": _l("Code of what was done"),
    "actor_id": _l("Person’s identifier"),
    "subject_type": _l("Kind of object"),
    "subject_id": _l("Object’s identifier"),
    "request_id": _l("Request’s identifier"),
    "prev_hash": _l("Seal before"),
    "hash": _l("Seal"),
}
"""What people's table calls the columns, what is read most first."""
_KINDS: Final = {"staff": _l("Staff"), "patient": _l("Patient"), "system": _l("Careroom, by itself")}


def lines(
    entries: Iterable[Entry],
    format: Format,
    practice: Practice | None,
    *,
    titles: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """The export, in pieces that end with a line's end. fhir: one AuditEvent a line (FHIR's bulk NDJSON).

    practice: None for the platform's trail. The table also says what was done in the reader's language; titles: what
    plugins are called, by name.
    """
    if format == "csv":
        yield from _table(entries, titles)
        return
    for entry in entries:
        made = audit_event(entry, practice) if format == "fhir" else _facts(entry)
        yield json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n"


def _table(entries: Iterable[Entry], titles: Mapping[str, object] | None) -> Iterator[str]:
    after = COLUMNS.index("action") + 1
    yield line((*COLUMNS[:after], "action_in_words", *COLUMNS[after:]))
    for entry in entries:
        values = list(_facts(entry).values())
        values.insert(after, in_words(entry.action, titles))
        yield line([_cell(value) for value in values])


def table(entries: Iterable[Entry], titles: Mapping[str, object] | None = None) -> Iterator[str]:
    """The same for a person's spreadsheet: columns, times and separator as the reader is used to, every fact as it is
    sealed. For whoever reads when this is called."""
    return _for_people(entries, titles, i18n.locale_tag(), i18n.time_zone().key)


def _for_people(
    entries: Iterable[Entry], titles: Mapping[str, object] | None, language: str, zone: str
) -> Iterator[str]:
    with i18n.use_language(language):
        between = separator()
        heading = line(_TITLES.values(), between)
    yield heading
    for entry in entries:
        with i18n.use_language(language), i18n.use_time_zone(zone):
            said = {
                "at": i18n.local(entry.at).strftime("%Y-%m-%d %H:%M:%S"),
                "actor_kind": _KINDS.get(entry.actor_kind, entry.actor_kind),
                "action_in_words": in_words(entry.action, titles),
            }
            facts = {**_facts(entry), **said}
            made = line([_cell(facts[name]) for name in _TITLES], between)
        yield made


def _facts(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS}
    found["at"] = entry.at.isoformat()
    for name in ("patient_id", "subject_id"):
        found[name] = str(found[name]) if found[name] is not None else None
    return found


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
