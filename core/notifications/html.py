"""The HTML of an e-mail, made from its plain text.

Mail clients are old browsers: tables for layout, styles on the elements, and one style sheet in the head that those
who can read it use for the dark scheme. No image, no script, nothing fetched: an e-mail that loads something tells
its sender when it was opened.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

from core.i18n import _, direction, locale_tag
from core.patients import phones
from core.tenancy import Practice

DEFAULT_COLOUR: Final = "#0d5f5a"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'»]")

_STYLE: Final = Markup(
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "@media (prefers-color-scheme:dark){"
    ".page{background:#12181b!important}.sheet{background:#1c2529!important;border-color:#2f3b40!important}"
    ".text,.text a{color:#e8eef0!important}.faint,.faint a{color:#a7b4b9!important;border-color:#2f3b40!important}}"
    "@media (max-width:480px){.sheet{border-radius:0!important}.inside{padding:24px 20px!important}}"
)
_FONT: Final = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"

_SHELL: Final = Markup(
    """<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#eef2f3;">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0"
 bgcolor="#eef2f3" style="background:#eef2f3;">
<tr><td align="center" style="padding:24px 0;">
<table role="presentation" class="sheet" width="100%" cellpadding="0" cellspacing="0" border="0"
 bgcolor="#ffffff" style="max-width:560px;background:#ffffff;border:1px solid #d5dee1;border-radius:12px;
 border-collapse:separate;overflow:hidden;">
<tr><td height="6" bgcolor="{colour}"
 style="height:6px;line-height:6px;font-size:0;background:{colour};">&nbsp;</td></tr>
<tr><td class="inside" align="{start}" style="padding:32px 36px;">
<p class="text" style="{font}margin:0 0 24px;font-size:18px;line-height:26px;font-weight:600;
 color:#1b2a2f;">{practice}</p>
{content}</td></tr>
<tr><td class="inside" align="{start}" style="padding:0 36px 28px;">
<p class="faint" style="{font}margin:0;padding-top:20px;border-top:1px solid #d5dee1;font-size:14px;
 line-height:21px;color:#55656b;">{footer}</p>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"""
)
_PARAGRAPH: Final = Markup(
    '<p class="text" style="{font}margin:0 0 18px;font-size:17px;line-height:26px;color:#1b2a2f;">{text}</p>\n'
)
_BUTTON: Final = Markup(
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 16px;"><tr>'
    '<td align="center" bgcolor="{colour}" style="border-radius:8px;background:{colour};">'
    '<a href="{url}" style="{font}display:inline-block;padding:14px 28px;font-size:17px;line-height:24px;'
    'font-weight:600;color:{ink};text-decoration:none;border-radius:8px;">{label}</a></td></tr></table>\n'
    '<p class="faint" style="{font}margin:0 0 18px;font-size:14px;line-height:21px;color:#55656b;">{hint}<br>'
    '<a href="{url}" dir="ltr" style="color:#55656b;word-break:break-all;">{url}</a></p>\n'
)
_LINK: Final = Markup('<a href="{url}" style="color:inherit;word-break:break-word;">{url}</a>')


def html_of(text: str, *, title: str, practice: Practice, action: str = "") -> str:
    """The page for a plain text, in the current language.

    A URL on a line of its own becomes a button that says ``action``, with the address under it; one within a line
    becomes a link. Everything else is escaped: no text can bring its own HTML.
    """
    colour = colour_of(practice)
    is_rtl = direction() == "rtl"
    page = _SHELL.format(
        language=locale_tag(),
        direction=direction(),
        title=title,
        style=_STYLE,
        colour=colour,
        start="right" if is_rtl else "left",
        font=_FONT,
        practice=practice.name,
        content=_content(text, colour, action or _("Open the secure page")),
        footer=_footer(practice),
    )
    return str(page)


def colour_of(practice: Practice) -> str:
    """The practice's own colour ("#rrggbb" in its profile), or the platform's."""
    own = str(practice.profile.get("colour") or "")
    return own if _COLOUR.fullmatch(own) else DEFAULT_COLOUR


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on this colour (WCAG 2 relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # Contrast with white is 1.05 / (L + .05), with black (L + .05) / .05: they are equal at L = 0.179.
    return "#ffffff" if luminance < 0.179 else "#000000"


def _content(text: str, colour: str, action: str) -> Markup:
    parts: list[Markup] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines: list[str] = []
        for line in paragraph.splitlines():
            if URL.fullmatch(line.strip()):
                parts += _paragraph(lines)
                lines = []
                parts.append(_button(line.strip(), colour, action))
            else:
                lines.append(line)
        parts += _paragraph(lines)
    return Markup("").join(parts)


def _paragraph(lines: list[str]) -> list[Markup]:
    if not any(line.strip() for line in lines):
        return []
    joined = Markup("<br>\n").join(_with_links(line) for line in lines)
    return [_PARAGRAPH.format(font=_FONT, text=joined)]


def _with_links(line: str) -> Markup:
    parts, at = [], 0
    for match in URL.finditer(line):
        parts += [escape(line[at : match.start()]), _LINK.format(url=match.group())]
        at = match.end()
    return Markup("").join([*parts, escape(line[at:])])


def _button(url: str, colour: str, action: str) -> Markup:
    return _BUTTON.format(
        url=url,
        colour=colour,
        ink=ink_on(colour),
        font=_FONT,
        label=action,
        hint=_("If the button does not work, copy this address into your browser:"),
    )


def _footer(practice: Practice) -> Markup:
    lines = [practice.name, *(practice.address or "").splitlines(), _phone(practice)]
    return Markup("<br>\n").join(escape(line.strip()) for line in lines if line.strip())


def _phone(practice: Practice) -> str:
    return phones.national(practice.phone, practice.country) if practice.phone else ""
