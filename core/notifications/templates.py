"""Message templates: declared by their owner, translated by catalogues, reworded by a practice.

A text is plain, with ``{variable}`` where a value goes. Only the variables that the template declares exist: no
attribute, no expression, no code. Resolution: the practice's wording for the language, else the declared text in
that language, else its English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import select

from core import audit, db, tenancy
from core.i18n import LazyString, is_known, use_language
from core.notifications import sms as sms_size
from core.notifications.errors import (
    EmptyText,
    GluedLink,
    MessageTooLong,
    MissingVariable,
    UnknownTemplate,
    UnknownVariable,
    WordingTooLong,
)
from core.notifications.models import CHANNELS, Channel, TemplateOverride

Part = Literal["subject", "text", "sms"]
Text = LazyString | str

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Without the link a message that has one says nothing: an override may not lose it.
_ESSENTIAL: Final = ("link",)
_LINKS: Final = tuple(f"{{{name}}}" for name in _ESSENTIAL)
MOST_CHARACTERS: Final[dict[Part, int]] = {"subject": 200, "text": 10_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A message that its owner sends: ``Template(name="photo_request.invitation", ...)``.

    name: the first part is the owner; with the owner off, the template does not exist.
    subject, text: of the e-mail; sms: the text message. variables: name -> what it is, for whoever rewords it.
    "practice" (the practice's name) is filled in for every template that declares it.
    action: what the e-mail's button says where the text has a link on a line of its own.
    urgent: somebody waits for it now (a call that begins): it passes quiet hours and whatever queues before it.
    samples: name -> what stands for it when a practice rewords the message and looks at it; see ``sample_values``.
    rewordable: may a practice put it in its own words? Not what belongs to the platform: an account reaches beyond
    the practice that happens to write about it.
    """

    name: str
    title: Text
    variables: Mapping[str, Text]
    subject: Text = ""
    text: Text = ""
    sms: Text = ""
    channels: tuple[Channel, ...] = CHANNELS
    action: Text = ""
    urgent: bool = False
    samples: Mapping[str, Text] = field(default_factory=dict)
    rewordable: bool = True

    def __post_init__(self) -> None:
        if "." not in self.name:
            raise ValueError(f"template {self.name!r} needs its owner in front: owner.name")
        for part in self.parts:
            source = _source(getattr(self, part))
            if not source.strip():
                raise ValueError(f"template {self.name}: {part} is empty")
            for variable in _VARIABLE.findall(source):
                if variable not in self.variables:
                    raise ValueError(
                        f"template {self.name}: {part} uses {{{variable}}}, which is not declared"
                    )
        for variable in self.samples:
            if variable not in self.variables:
                raise ValueError(f"template {self.name}: a sample for {{{variable}}}, which is not declared")

    @property
    def owner(self) -> str:
        return tenancy.switches.owner_of(self.name)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The texts that it has, given its channels."""
        email: tuple[Part, ...] = ("subject", "text") if "email" in self.channels else ()
        return (*email, "sms") if "sms" in self.channels else email

    def essential(self, part: Part) -> list[str]:
        """The variables that no wording of this part may leave out."""
        used = _VARIABLE.findall(_source(getattr(self, part)))
        return [name for name in _ESSENTIAL if name in used]


@dataclass(frozen=True, slots=True)
class Wording:
    """A template's texts for the current practice in one language, variables not yet filled in."""

    template: Template
    language: str
    subject: str
    text: str
    sms: str
    action: str
    reworded: frozenset[Part]

    def texts(self) -> dict[Part, str]:
        """Its texts by part, of the parts that the template has."""
        every: dict[Part, str] = {"subject": self.subject, "text": self.text, "sms": self.sms}
        return {part: every[part] for part in self.template.parts}


_templates: dict[str, Template] = {}


def register(*templates: Template) -> None:
    """Make these known to this process. Raises ValueError when another template has the name."""
    for template in templates:
        if _templates.setdefault(template.name, template) is not template:
            raise ValueError(f"two message templates are called {template.name}")


def clear() -> None:
    """Empty the registry: before plugins are loaded anew."""
    _templates.clear()


def registered() -> list[Template]:
    """Every template of this process, by name, whoever's it is."""
    return [template for _name, template in sorted(_templates.items())]


def find(name: str) -> Template:
    """The template, when its owner is on for the current practice. Raises UnknownTemplate."""
    template = _templates.get(name)
    if template is None or not tenancy.switches.is_on(template.owner):
        raise UnknownTemplate(name)
    return template


def available() -> list[Template]:
    """The templates that exist for the current practice, by name."""
    return [template for template in registered() if tenancy.switches.is_on(template.owner)]


def offered() -> list[Template]:
    """Those of them that a practice may put in its own words, by name."""
    return [template for template in available() if template.rewordable]


def wording(template: Template, language: str) -> Wording:
    """The texts of a template for the current practice, in a language ("fr" or "fr-FR")."""
    override = _override(template.name, language) if template.rewordable else None
    own = {
        part: text
        for part in template.parts
        if (text := getattr(override, part, None)) is not None and _stands_alone(text)
    }
    return reworded(template, language, own)


def reworded(template: Template, language: str, own: Mapping[Part, str]) -> Wording:
    """The declared texts of a template in a language, with these instead of some: nothing stored is looked at."""
    with use_language(language):
        declared: dict[Part, str] = {part: str(getattr(template, part)) for part in template.parts}
        action = str(template.action)
    texts: dict[Part, str] = {"subject": "", "text": "", "sms": "", **declared, **own}
    return Wording(template, language, texts["subject"], texts["text"], texts["sms"], action, frozenset(own))


def reworded_by_practice() -> dict[str, set[str]]:
    """Which templates the current practice has words of its own for, and in which languages. One query."""
    found: dict[str, set[str]] = {}
    for row in db.session().scalars(select(TemplateOverride)):
        found.setdefault(row.template, set()).add(row.language)
    return found


def fill(text: str, values: Mapping[str, object], declared: Mapping[str, object]) -> str:
    """Put values in. Raises UnknownVariable for one that is not declared, MissingVariable for one without a value."""

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in declared:
            raise UnknownVariable(name, declared)
        if name not in values:
            raise MissingVariable(name)
        return str(values[name])

    # One pass: braces inside a value (a patient's name can be anything) are text.
    return _VARIABLE.sub(value_of, text)


def check(template: Template, part: Part, text: str) -> None:
    """Is this a wording that could be sent?

    Raises EmptyText, UnknownVariable, MissingVariable, MessageTooLong, WordingTooLong, GluedLink.
    """
    if not text.strip():
        raise EmptyText
    used = _VARIABLE.findall(text)
    for name in used:
        if name not in template.variables:
            raise UnknownVariable(name, template.variables)
    for name in template.essential(part):
        if name not in used:
            raise MissingVariable(name)
    if part == "sms" and len(text) > sms_size.MAX_CHARACTERS:
        raise MessageTooLong(len(text), sms_size.MAX_CHARACTERS)
    if len(text) > (most := MOST_CHARACTERS.get(part, len(text))):
        raise WordingTooLong(len(text), most)
    if not _stands_alone(text):
        raise GluedLink


def override(
    name: str, language: str, *, subject: str | None = None, text: str | None = None, sms: str | None = None
) -> TemplateOverride | None:
    """Store the practice's own wording; a part that is None goes back to the standard. Answers what is stored now.

    language: a catalogue's code ("fr"). Raises UnknownTemplate and what :func:`check` raises.
    """
    template = find(name)
    if not template.rewordable:
        raise UnknownTemplate(name)
    if not is_known(language):
        raise ValueError(f"{language!r} is not offered here")
    parts: dict[Part, str | None] = {"subject": subject, "text": text, "sms": sms}
    kept = {part: value for part, value in parts.items() if value is not None and part in template.parts}
    if "subject" in kept:
        kept["subject"] = " ".join(kept["subject"].split())
    for part, value in kept.items():
        check(template, part, value)
    session = db.session()
    row = session.scalar(
        select(TemplateOverride).where(
            TemplateOverride.template == name, TemplateOverride.language == language
        )
    )
    audit.record("template.changed", detail={"template": name, "language": language, "parts": sorted(kept)})
    if not kept:
        if row is not None:
            session.delete(row)
        return None
    if row is None:
        row = TemplateOverride(template=name, language=language)
        session.add(row)
    row.subject, row.text, row.sms = kept.get("subject"), kept.get("text"), kept.get("sms")
    return row


def _override(name: str, language: str) -> TemplateOverride | None:
    # "fr-CA" reads the practice's wording for "fr-CA", else that for "fr".
    base = language.partition("-")[0]
    rows = {
        row.language: row
        for row in db.session().scalars(
            select(TemplateOverride).where(
                TemplateOverride.template == name, TemplateOverride.language.in_({language, base})
            )
        )
    }
    return rows.get(language) or rows.get(base)


def _stands_alone(text: str) -> bool:
    # Glued to an address ("https://elsewhere.example/?to={link}") the key would go to whoever has that address.
    return all(word in _LINKS for word in text.split() if any(link in word for link in _LINKS))


def _source(text: Text) -> str:
    with use_language("en"):
        return str(text)
