"""The first page of an export: everything in words, to be read in any browser, with no script and nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.i18n import _, format_date, format_datetime, install_jinja
from core.patient_data.parts import ExportPart, FileRef, Words

_PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_LONG: Final = 60
"""A text longer than this does not go into a column of a table."""


@dataclass(frozen=True, slots=True)
class Section:
    """An owner's parts. paths: where each part, and each file in them, is in the archive."""

    title: Words
    parts: Sequence[ExportPart]
    paths: Mapping[int, str]
    files: Mapping[FileRef, str | None]


def page(name: str, practice: str, made_at: datetime, sections: Sequence[Section]) -> str:
    """The page as HTML, in the current language and time zone."""
    shown = [(section.title, [_part(section, part) for part in section.parts]) for section in sections]
    made: str = (
        _environment()
        .get_template("index.html")
        .render(name=name, practice=practice, made_at=made_at, sections=shown)
    )
    return made


def _part(section: Section, part: ExportPart) -> dict[str, Any]:
    path = section.paths[id(part)]
    found: dict[str, Any] = {"title": str(part.title or part.name), "path": path, "kind": "nothing"}
    content = part.content
    if isinstance(content, FileRef):
        return {**found, "kind": "value", "value": _value(section, part, content)}
    if isinstance(content, Mapping):
        return {**found, "kind": "facts", "facts": _facts(section, part, content)}
    if isinstance(content, Sequence) and not isinstance(content, str) and content:
        rows = [_facts(section, part, row if isinstance(row, Mapping) else {"": row}) for row in content]
        if all(_is_plain(value) for row in rows for _name, value in row):
            names = [
                name for name in _names(part, content) if any(name == one for row in rows for one, _ in row)
            ]
            cells = [[dict(row).get(name) for name in names] for row in rows]
            return {**found, "kind": "table", "names": names, "rows": cells}
        return {**found, "kind": "cards", "cards": rows}
    if content in (None, "", []):
        return found
    return {**found, "kind": "value", "value": _value(section, part, content)}


def _names(part: ExportPart, content: Sequence[Any]) -> list[str]:
    if part.fields:
        return [str(words) for words in part.fields.values()]
    return list(dict.fromkeys(str(key) for row in content if isinstance(row, Mapping) for key in row))


def _facts(section: Section, part: ExportPart, row: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    names = part.fields or {str(key): str(key) for key in row}
    return [
        (str(words), _value(section, part, row[key]))
        for key, words in names.items()
        if key in row and row[key] not in (None, "", [])
    ]


def _value(section: Section, part: ExportPart, value: Any) -> dict[str, Any]:
    if isinstance(value, FileRef):
        path = section.files.get(value)
        kind = "missing" if path is None else "picture" if path.lower().endswith(_PICTURES) else "file"
        return {"kind": kind, "path": path, "text": value.name}
    if isinstance(value, Mapping):
        return {"kind": "facts", "facts": _facts(section, part, value)}
    if isinstance(value, (list, tuple)):
        return {"kind": "list", "items": [_value(section, part, item) for item in value]}
    return {"kind": "text", "text": _text(value)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, date):
        return format_date(value)
    return str(value)


def _is_plain(value: dict[str, Any]) -> bool:
    return value["kind"] == "text" and len(value["text"]) <= _LONG


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install_jinja(made)
    return made
