"""Message templates: what patients are written, in the practice's own words, seen as it will arrive.

The text of a form is looked at again with every pause in typing (``preview``); without a script, a button does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from flask import abort, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import i18n, links, tenancy
from core.admin import conflicts, owners
from core.admin.message_preview import Shown, show
from core.i18n import _
from core.notifications import NotificationError, UnknownTemplate, rules, samples, templates
from core.notifications.templates import Part, Template
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = rules.PERMISSION
routes = StaffRoutes("core", __name__, name="message_templates", prefix="/admin/templates")


@dataclass(frozen=True, slots=True)
class Line:
    """A template in the list. languages: (name of the language, is it the practice's own wording, where to edit)."""

    title: str
    channels: tuple[str, ...]
    languages: list[tuple[str, bool, str]]


@dataclass(frozen=True, slots=True)
class Group:
    """The templates of one owner."""

    title: str
    icon: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Box:
    """One of the texts in the editor. standard: the text that it comes with, where the practice has its own."""

    name: Part
    text: str
    standard: str
    is_own: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Variable:
    """What may be put into the text: ``{name}``, in words, and what stands for it in the preview."""

    name: str
    title: str
    sample: str
    is_needed: bool


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """All templates of the practice, by who sends them."""
    own = templates.reworded_by_practice()
    groups: dict[str, Group] = {}
    for template in templates.offered():
        if template.owner not in groups:
            groups[template.owner] = _group(template.owner)
        groups[template.owner].lines.append(_line(template, own.get(template.name, set())))
    return render("admin/message_templates.html", groups=list(groups.values()))


@routes.get("/<name>", permission=PERMISSION)
def edit(name: str) -> Markup:
    """The texts of a template in a language, and how they will look."""
    template, language = _template(name), _language()
    return _editor(template, language, templates.wording(template, language).texts())


@routes.post("/<name>", permission=PERMISSION)
def save(name: str) -> ResponseReturnValue:
    """Keep the practice's own wording; or look at it once more, or go back to the standard text."""
    template, language = _template(name), _language()
    here = url_for("message_templates.edit", name=name, language=language)
    if request.form.get("action") == "reset":
        if conflicts.is_stale(request.form, lambda: templates.wording(template, language).texts()):
            conflicts.tell()
        else:
            templates.override(name, language)
            flash(_("The standard text is back."), "success")
        return redirect(here, 303)
    typed = _typed(template)
    errors = wrong_parts(template, typed)
    if request.form.get("action") == "preview":
        return _editor(template, language, typed, errors)
    if errors:
        return make_response(_editor(template, language, typed, errors), 422)
    if conflicts.is_stale(request.form, lambda: templates.wording(template, language).texts()):
        now = templates.wording(template, language).texts()
        return make_response(_editor(template, language, typed, theirs=now), 409)
    standard = templates.reworded(template, language, {}).texts()
    own = {part: text for part, text in typed.items() if text != standard[part]}
    templates.override(name, language, subject=own.get("subject"), text=own.get("text"), sms=own.get("sms"))
    flash(_("The text is saved. It is used from now on."), "success")
    return redirect(here, 303)


@routes.post("/<name>/preview", permission=PERMISSION, scope="none")
def preview(name: str) -> Markup:
    """What is typed as it would arrive, for the script of the page. Nothing is stored."""
    with own_scope(write=False):
        template, language = _template(name), _language()
        typed = _typed(template)
        return render(
            "admin/message_preview.html",
            shown=_shown(template, language, typed),
            errors=wrong_parts(template, typed),
            language=language,
        )


def wrong_parts(template: Template, typed: Mapping[Part, str]) -> dict[Part, str]:
    """What is wrong with each text, in a sentence."""
    found: dict[Part, str] = {}
    for part, text in typed.items():
        try:
            templates.check(template, part, text)
        except NotificationError as error:
            found[part] = error.message
    return found


def _template(name: str) -> Template:
    try:
        template = templates.find(name)
    except UnknownTemplate:
        abort(404)
    if not template.rewordable:
        abort(404)
    return template


def languages() -> list[str]:
    """The languages that messages can be worded in: those that are offered, the practice's first."""
    offered = [code for code in i18n.offered_languages() if code in i18n.LANGUAGES]
    own = tenancy.current().language.partition("-")[0]
    return sorted(offered, key=lambda code: (code != own, code))


def _language() -> str:
    offered = languages()
    asked = request.args.get("language", "")
    return asked if asked in offered else offered[0]


def _typed(template: Template) -> dict[Part, str]:
    read = {part: request.form.get(part, "").replace("\r\n", "\n") for part in template.parts}
    return {
        part: " ".join(text.split()) if part == "subject" else text.strip() for part, text in read.items()
    }


def _shown(template: Template, language: str, texts: Mapping[Part, str]) -> Shown:
    values = samples.sample_values(template, language, link=links.example_url())
    return show(templates.reworded(template, language, texts), values)


def _editor(
    template: Template,
    language: str,
    texts: Mapping[Part, str],
    errors: Mapping[Part, str] | None = None,
    theirs: Mapping[Part, str] | None = None,
) -> Markup:
    wrong = errors or {}
    stored = templates.wording(template, language)
    standard = templates.reworded(template, language, {}).texts()
    boxes = [
        Box(part, texts[part], standard[part], texts[part] != standard[part], wrong.get(part))
        for part in template.parts
    ]
    names = _part_names()
    return render(
        "admin/message_template.html",
        message=template,
        group=_group(template.owner),
        language=language,
        languages=[
            (
                i18n.LANGUAGES[code],
                url_for("message_templates.edit", name=template.name, language=code),
                code == language,
            )
            for code in languages()
        ],
        boxes=boxes,
        names=names,
        variables=_variables(template, language),
        shown=_shown(template, language, texts),
        errors=wrong,
        summary=[(part, f"{names[part]}: {sentence}") for part, sentence in wrong.items()],
        is_reworded=bool(stored.reworded),
        seen=conflicts.seen(stored.texts(), request.form if theirs is None else None),
        theirs=[(names[part], theirs[part]) for part in template.parts if theirs[part] != texts[part]]
        if theirs is not None
        else None,
    )


def _part_names() -> dict[Part, str]:
    return {"subject": _("Subject of the e-mail"), "text": _("Text of the e-mail"), "sms": _("Text message")}


def _variables(template: Template, language: str) -> list[Variable]:
    values = samples.sample_values(template, language, link=links.example_url())
    needed = {name for part in template.parts for name in template.essential(part)}
    return [
        Variable(name, str(title), values[name], name in needed) for name, title in template.variables.items()
    ]


def _group(owner: str) -> Group:
    return Group(owners.title_of(owner), owners.icon_of(owner), [])


def _line(template: Template, own: set[str]) -> Line:
    return Line(
        str(template.title),
        cast(tuple[str, ...], template.channels),
        [
            (
                i18n.LANGUAGES[code],
                code in own,
                url_for("message_templates.edit", name=template.name, language=code),
            )
            for code in languages()
        ],
    )
