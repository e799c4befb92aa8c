"""A form made from a plugin's settings model: what kind each field is, and what the browser sent back.

Kinds: switch (bool), number (int, float, Decimal, with bounds), choice (Literal, Enum), choices (several of
them), lines (list of text, one a line), long (text of more than 200 characters), secret (write-only) and text.
``json_schema_extra`` says more: ``{"section": _l("Links")}`` puts a field under a heading, ``{"options": {"sms":
_l("Text message")}}`` has the words for the values of a choice, ``{"unit": _l("days")}`` a unit.

A secret never goes to the browser. What was typed and not yet saved does, sealed by the caller's ``Vault``, so that
it need not be typed again when something else in the form is wrong.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from werkzeug.datastructures import MultiDict

from core.admin.wrong_values import sentence
from core.i18n import _, _l

Kind = Literal["switch", "number", "choice", "choices", "lines", "long", "secret", "text"]
Form = MultiDict[str, str]
_LONG: Final = 200
# Values that many plugins have, so that each need not word them anew.
_COMMON_WORDS: Final = {"sms": _l("Text message"), "email": _l("E-mail"), "both": _l("Both")}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field is, without its value."""

    kind: Kind
    optional: bool = False
    options: tuple[Any, ...] = ()
    whole: bool = True


class Vault(Protocol):
    """Seals what was typed into a secret field, for its way to the browser and back."""

    def seal(self, name: str, plain: str) -> str: ...

    def unseal(self, name: str, sealed: str) -> str | None:
        """What was typed; None when it is not what this vault sealed."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What a form may know of a secret: is one stored, is one typed and not yet saved (sealed), shall it go?"""

    stored: bool
    typed: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under one heading; "" for those under none."""

    title: str
    fields: list[FormField]


@dataclass(frozen=True, slots=True)
class FormField:
    """A field as the template shows it. ``value`` is what the browser is given: text, bool or a list of text."""

    name: str
    kind: Kind
    label: str
    help: str
    value: Any
    error: str | None = None
    optional: bool = False
    options: list[tuple[str, str]] = field(default_factory=list)
    unit: str = ""
    section: str = ""
    secret: Secret | None = None
    attributes: dict[str, str] = field(default_factory=dict)


def shape_of(info: FieldInfo) -> Shape:
    """The shape of a model's field by its annotation."""
    optional, kind = _without_none(info.annotation)
    origin = get_origin(kind)
    if origin in (list, set, frozenset, tuple):
        options = _options_of(_without_none(next(iter(get_args(kind)), str))[1])
        return Shape("choices", options=options) if options else Shape("lines")
    if options := _options_of(kind):
        return Shape("choice", optional, options)
    if kind is bool:
        return Shape("choice", True, (True, False)) if optional else Shape("switch")
    if kind is SecretStr:
        return Shape("secret", optional)
    if isinstance(kind, type) and issubclass(kind, (int, float, Decimal)):
        return Shape("number", optional, whole=issubclass(kind, int))
    longest = _limit(info, "max_length")
    return Shape("long" if longest is not None and longest > _LONG else "text", optional)


def _without_none(annotation: Any) -> tuple[bool, Any]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        parts = get_args(annotation)
        others = [part for part in parts if part is not type(None)]
        return len(others) < len(parts), _without_none(others[0])[1]
    return False, annotation


def _options_of(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _limit(info: FieldInfo, name: str) -> Any:
    for constraint in info.metadata:
        if (found := getattr(constraint, name, None)) is not None:
            return found
    return None


# --- reading -----------------------------------------------------------------------------------------------------


def read(model: type[BaseModel], form: Form, kept: BaseModel, vault: Vault | None = None) -> dict[str, Any]:
    """The values for ``model.model_validate``. A secret left empty stays as it is in ``kept``."""
    return {name: _read(name, info, form, kept, vault) for name, info in model.model_fields.items()}


def _read(name: str, info: FieldInfo, form: Form, kept: BaseModel, vault: Vault | None) -> Any:
    shape = shape_of(info)
    text = form.get(name, "").strip()
    if shape.kind == "switch":
        return name in form
    if shape.kind == "choices":
        return form.getlist(name)
    if shape.kind == "lines":
        return [line.strip() for line in form.get(name, "").splitlines() if line.strip()]
    if shape.kind == "secret" and not text:
        return _secret_left(name, info, form, kept, vault)
    if shape.kind == "choice":
        return next((option for option in shape.options if _key(option) == text), text or None)
    if shape.optional and not text:
        return None
    if shape.kind == "number":
        return text.replace(",", ".")  # half is 0,5 in French
    return text.replace("\r\n", "\n")


def _secret_left(name: str, info: FieldInfo, form: Form, kept: BaseModel, vault: Vault | None) -> Any:
    if f"{name}.remove" in form:
        return info.get_default(call_default_factory=True)
    sealed = form.get(f"{name}.typed", "")
    typed = vault.unseal(name, sealed) if vault is not None and sealed else None
    return getattr(kept, name) if typed is None else typed


# --- showing -----------------------------------------------------------------------------------------------------


def fields(
    model: type[BaseModel],
    settings: BaseModel,
    typed: Form | None = None,
    error: ValidationError | None = None,
    vault: Vault | None = None,
) -> list[FormField]:
    """The form's fields with the stored values, or with what was ``typed`` and what is wrong with it."""
    wrong = errors_by_field(model, error)
    return [
        _field(name, info, getattr(settings, name), typed, wrong.get(name), vault)
        for name, info in model.model_fields.items()
    ]


def sections(shown: Sequence[FormField]) -> list[Section]:
    """The fields by their headings, in the order in which each heading first comes; those under none are first."""
    found: dict[str, list[FormField]] = {"": []}
    for item in shown:
        found.setdefault(item.section, []).append(item)
    return [Section(title, items) for title, items in found.items() if items]


def errors_by_field(model: type[BaseModel], error: ValidationError | None) -> dict[str, str]:
    """One sentence for each field that is wrong, by its name; "" stands for the form as a whole."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False) if error else ():
        name = str(item["loc"][0]) if item["loc"] else ""
        info = model.model_fields.get(name)
        found.setdefault(name, sentence(item, whole=shape_of(info).whole if info else True))
    return found


def _field(
    name: str, info: FieldInfo, value: Any, typed: Form | None, error: str | None, vault: Vault | None
) -> FormField:
    shape = shape_of(info)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return FormField(
        name=name,
        kind=shape.kind,
        label=str(info.title) if info.title else name.replace("_", " ").capitalize(),
        help=str(info.description or ""),
        value=_typed(name, shape, typed) if typed is not None else _shown(shape, value),
        error=error,
        optional=shape.optional,
        options=_worded(shape, extra.get("options")),
        unit=str(extra.get("unit", "")),
        section=str(extra.get("section", "")),
        secret=_secret(name, value, typed, vault) if shape.kind == "secret" else None,
        attributes=_attributes(info, shape),
    )


def _secret(name: str, value: Any, form: Form | None, vault: Vault | None) -> Secret:
    stored = isinstance(value, SecretStr) and bool(value.get_secret_value())
    if form is None or vault is None:
        return Secret(stored)
    plain = form.get(name, "").strip()
    sealed = vault.seal(name, plain) if plain else form.get(f"{name}.typed", "")
    return Secret(stored, sealed, f"{name}.remove" in form)


def _typed(name: str, shape: Shape, form: Form) -> Any:
    if shape.kind == "switch":
        return name in form
    if shape.kind == "choices":
        return form.getlist(name)
    return "" if shape.kind == "secret" else form.get(name, "")


def _shown(shape: Shape, value: Any) -> Any:
    if shape.kind == "switch":
        return bool(value)
    if shape.kind == "choices":
        return [_key(item) for item in value or ()]
    if shape.kind == "lines":
        return "\n".join(str(item) for item in value or ())
    if shape.kind == "secret" or value is None:
        return ""
    return _key(value)


def _key(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _worded(shape: Shape, words: Any) -> list[tuple[str, str]]:
    known: Mapping[str, Any] = words if isinstance(words, Mapping) else {}
    first: Sequence[tuple[str, str]] = (
        [("", _("As usual"))] if shape.kind == "choice" and shape.optional else []
    )
    return [*first, *((_key(option), _word(option, known)) for option in shape.options)]


def _word(option: Any, known: Mapping[str, Any]) -> str:
    key = _key(option)
    if isinstance(option, bool):
        return _("Yes") if option else _("No")
    return str(known.get(key) or _COMMON_WORDS.get(key) or key.replace("_", " ").capitalize())


def _attributes(info: FieldInfo, shape: Shape) -> dict[str, str]:
    found: dict[str, str] = {}
    if shape.kind == "number":
        for attribute, names in (("min", ("ge", "gt")), ("max", ("le", "lt"))):
            limit = next((_limit(info, name) for name in names if _limit(info, name) is not None), None)
            if limit is not None:
                found[attribute] = str(limit)
        found["step"] = "1" if shape.whole else "any"
    elif shape.kind in ("text", "long", "secret") and (longest := _limit(info, "max_length")) is not None:
        found["maxlength"] = str(longest)
    return found
