"""A message as it will arrive: the text in its bubble with what it costs, the e-mail as a page shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.i18n import _, ngettext, use_language
from core.notifications import compose, sms
from core.notifications.errors import NotificationError
from core.notifications.html import URL
from core.notifications.models import Channel
from core.notifications.templates import Part, Wording


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Of an e-mail: lines, or an address that the e-mail shows as a button."""

    lines: list[str]
    button: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows; a part that cannot be filled in yet is empty.

    encoding, units, room, segments: of the text. odd: its characters outside GSM-7. saved: how many parts it would
    have without them. braces: of what looks like a variable and is none.
    """

    has_sms: bool
    has_email: bool
    sms_text: str
    encoding: str
    units: int
    segments: int
    size: str
    odd: list[str]
    odd_words: str
    subject: str
    paragraphs: list[Paragraph]
    braces: str


_STANDARD_LETTERS = str.maketrans("ç’‘“”«»–—êâîôûëïÊÂÎÔÛÀÈŒœ", 'c\'\'""""--eaioueiEAIOUAEOo')


def show(wording: Wording, values: Mapping[str, str]) -> Shown:
    """Fill a wording with samples. What could not be sent at all is shown empty; the form says why."""
    sms_text = _filled(wording, values, "sms")
    size = sms.measure(sms_text)
    odd = sms.outside_gsm7(sms_text)
    plain = sms.measure(sms_text.translate(_STANDARD_LETTERS))
    body = _filled(wording, values, "text")
    with use_language(wording.language):
        action = wording.action or _("Open the secure page")
    return Shown(
        has_sms="sms" in wording.template.channels,
        has_email="email" in wording.template.channels,
        sms_text=sms_text,
        encoding=size.encoding,
        units=size.units,
        segments=size.segments,
        size=_size_in_words(size),
        odd=odd,
        odd_words=_odd_in_words(odd, size.segments, plain) if odd else "",
        subject=_filled(wording, values, "subject"),
        paragraphs=_paragraphs(body, action),
        braces=_braces(wording),
    )


def _filled(wording: Wording, values: Mapping[str, str], part: Part) -> str:
    channel: Channel = "sms" if part == "sms" else "email"
    if part not in wording.template.parts:
        return ""
    try:
        texts = compose.write(wording, values, (channel,))
    except NotificationError:
        return ""
    return {"sms": texts.sms_text, "subject": texts.email_subject, "text": texts.email_text}[part]


def _size_in_words(size: sms.SmsSize) -> str:
    if not size.segments:
        return ""
    return ngettext(
        "%(num)d part, %(units)s characters",
        "%(num)d parts, %(units)s characters",
        size.segments,
        units=size.units,
    )


def _odd_in_words(odd: list[str], segments: int, plain: sms.SmsSize) -> str:
    letters = " ".join(odd[:8])
    if plain.encoding == "GSM-7" and plain.segments < segments:
        return ngettext(
            "Because of %(letters)s only 70 characters fit into a part. Without, it would take %(num)d part.",
            "Because of %(letters)s only 70 characters fit into a part. Without, it would take %(num)d parts.",
            plain.segments,
            letters=letters,
        )
    return _("Because of %(letters)s only 70 characters fit into a part, instead of 160.", letters=letters)


def _paragraphs(body: str, action: str) -> list[Paragraph]:
    found: list[Paragraph] = []
    for block in re.split(r"\n\s*\n", body.strip()):
        lines: list[str] = []
        for line in block.splitlines():
            if URL.fullmatch(line.strip()):
                found += [Paragraph(lines)] if lines else []
                found.append(Paragraph([line.strip()], action))
                lines = []
            else:
                lines.append(line)
        found += [Paragraph(lines)] if lines else []
    return found


def _braces(wording: Wording) -> str:
    """What stands in braces and is no variable: "{ link }", "{nom}" with a hyphen. It would be sent as it is."""
    texts = "\n".join(wording.texts().values())
    found = [odd for odd in re.findall(r"\{[^{}\n]*\}", texts) if not re.fullmatch(r"\{[A-Za-z_]\w*\}", odd)]
    return ", ".join(dict.fromkeys(found))
