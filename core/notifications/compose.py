"""From a template and its values to the exact texts of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core import tenancy
from core.i18n import use_language
from core.notifications import sms, templates
from core.notifications.errors import MessageTooLong
from core.notifications.html import html_of
from core.notifications.models import Channel
from core.notifications.templates import Wording
from core.patients import Patient

_BLANKS = re.compile(r"[ \t]{2,}")


@dataclass(frozen=True, slots=True)
class Preview:
    """Exactly what will be sent. A channel that the template does not have is "" (None for the HTML).

    sms_odd: the characters that turn the text into UCS-2 and so make it more segments.
    """

    language: str
    sms_text: str
    sms_segments: int
    sms_encoding: str
    sms_units: int
    sms_odd: tuple[str, ...]
    email_subject: str
    email_text: str
    email_html: str | None


def language_for(patient: Patient | None) -> str:
    """The patient's own language, else the practice's."""
    return (patient.language if patient is not None else None) or tenancy.current().language


def compose(
    name: str, *, language: str, variables: Mapping[str, object], channels: tuple[Channel, ...] | None = None
) -> Preview:
    """Render a template for the current practice. channels: only these; None: all that the template has.

    Raises UnknownTemplate, UnknownVariable, MissingVariable; MessageTooLong when the text is beyond 1600 characters.
    """
    template = templates.find(name)
    return write(templates.wording(template, language), variables, channels)


def write(
    wording: Wording, variables: Mapping[str, object], channels: tuple[Channel, ...] | None = None
) -> Preview:
    """Fill a wording in, for the current practice. Raises as :func:`compose` does, but for UnknownTemplate."""
    template, language, practice = wording.template, wording.language, tenancy.current()
    values = {"practice": practice.name, **variables}
    wanted = [c for c in template.channels if channels is None or c in channels]
    text = subject = body = ""
    html: str | None = None
    if "sms" in wanted:
        text = _tidy(templates.fill(wording.sms, values, template.variables))
        if len(text) > sms.MAX_CHARACTERS:
            raise MessageTooLong(len(text), sms.MAX_CHARACTERS)
    if "email" in wanted:
        subject = " ".join(templates.fill(wording.subject, values, template.variables).split())[:300]
        body = _tidy(templates.fill(wording.text, values, template.variables)) + "\n"
        with use_language(language):
            html = html_of(body, title=subject, practice=practice, action=wording.action)
    size = sms.measure(text)
    return Preview(
        language=language,
        sms_text=text,
        sms_segments=size.segments,
        sms_encoding=size.encoding,
        sms_units=size.units,
        sms_odd=tuple(sms.outside_gsm7(text)),
        email_subject=subject,
        email_text=body,
        email_html=html,
    )


def _tidy(text: str) -> str:
    """A variable that is empty leaves no hole: no double blank, no third line break, nothing at the ends."""
    lines = [_BLANKS.sub(" ", line).strip() for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
