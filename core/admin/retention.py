"""How long each kind of data stays: chosen here, with what would go before anything is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import retention, tenancy
from core.admin import conflicts, owners
from core.i18n import _, format_number, ngettext
from core.retention import Kind
from core.web import sent
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.manage_practice"
FOR_EVER: Final = "ever"
_USUAL: Final = (1, 7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 2920, 3650, 7300)
_MOST_DAYS: Final = 100 * 365
Choices = dict[str, int | None]

routes = StaffRoutes("core", __name__, name="retention", prefix="/admin/retention")


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of data in the form. going: how many would go at the next daily run, with what is chosen now."""

    kind: Kind
    title: str
    description: str
    value: str
    options: list[tuple[str, str]]
    going: int
    is_changed: bool
    error: str | None


@routes.get("", permission=PERMISSION)
def edit() -> Markup:
    """Every kind of data of what is on, and how long it stays."""
    return _page({}, {})


@routes.post("", permission=PERMISSION)
def save() -> ResponseReturnValue:
    """Store the choices. What would go because of them is shown first, and asked about."""
    choices, errors = _read()
    if errors:
        return make_response(_page(choices, errors), 422)
    if request.form.get("action") == "preview":
        return _page(choices, {})
    if conflicts.is_stale(request.form, _stored):
        return make_response(_page(choices, {}, is_stale=True), 409)
    stored = _stored()
    changed = {name: days for name, days in choices.items() if days != stored[name]}
    going = sum(item.count for item in retention.preview(changed, only=changed))
    if going and "sure" not in request.form:
        return make_response(_page(choices, {}, asks=going), 422)
    for name, days in changed.items():
        retention.choose(retention.find(name), days)
    flash(_("The times are saved. They are applied once a day."), "success")
    return redirect(url_for("retention.edit"), 303)


@routes.post("/preview", permission=PERMISSION, scope="none")
def preview() -> Markup:
    """What would go with what is chosen, for the script of the page. Nothing is stored."""
    with own_scope(write=False):
        choices, _errors = _read()
        return render("admin/retention_preview.html", rows=_rows(choices, {}))


def _stored() -> Choices:
    return {kind.name: retention.days_of(kind) for kind in retention.kinds_here()}


def _read() -> tuple[Choices, dict[str, str]]:
    """What is chosen, and what is wrong with it; a kind that the form does not name stays as it is."""
    choices: Choices = {}
    errors: dict[str, str] = {}
    for name in _stored():
        kind, text = retention.find(name), request.form.get(name)
        if text is None or kind.is_fixed:
            continue
        days = None if text == FOR_EVER else _days(text)
        if kind.allows(days):
            choices[name] = days
        else:
            errors[name] = _limits(kind)
    return choices, errors


def _days(text: str) -> int:
    """What no kind allows for what is no number, or takes the calendar to before its beginning."""
    days = sent.number(text)
    return -1 if days is None or days > _MOST_DAYS else days


def _limits(kind: Kind) -> str:
    if kind.most_days is None:
        return _("Keep it for at least %(least)s.", least=in_words(kind.least_days))
    return _(
        "Keep it for %(least)s to %(most)s.", least=in_words(kind.least_days), most=in_words(kind.most_days)
    )


def in_words(days: int | None) -> str:
    """ "30 days", "2 years", "for ever"."""
    if days is None:
        return _("for ever")
    if days % 365 == 0:
        return ngettext("%(num)d year", "%(num)d years", days // 365)
    return ngettext("%(num)d day", "%(num)d days", days)


def _rows(choices: Choices, errors: dict[str, str]) -> list[Row]:
    stored = _stored()
    found = retention.preview(choices)
    return [
        Row(
            kind=item.kind,
            title=str(item.kind.title),
            description=str(item.kind.description),
            value=FOR_EVER if item.days is None else str(item.days),
            options=_options(item.kind, item.days),
            going=item.count,
            is_changed=item.days != stored[item.kind.name],
            error=errors.get(item.kind.name),
        )
        for item in found
    ]


def _options(kind: Kind, days: int | None) -> list[tuple[str, str]]:
    usual = {*_USUAL, kind.least_days, kind.most_days or kind.least_days, days, kind.default_days}
    allowed = sorted(number for number in usual if number is not None and kind.allows(number))
    options = [(str(number), _option(number, kind)) for number in allowed]
    if kind.allows(None):
        options.append((FOR_EVER, _option(None, kind)))
    return options


def _option(days: int | None, kind: Kind) -> str:
    words = in_words(days)
    words = words[:1].upper() + words[1:]
    return _("%(time)s (usual)", time=words) if days == kind.default_days else words


def _page(choices: Choices, errors: dict[str, str], *, is_stale: bool = False, asks: int = 0) -> Markup:
    rows = _rows(choices, errors)
    return render(
        "admin/retention.html",
        groups=owners.grouped(rows, lambda row: row.kind.owner),
        rows=rows,
        in_words=in_words,
        kept=retention.KEPT,
        country=tenancy.current().country,
        summary=[
            (row.kind.name, _("%(field)s: %(problem)s", field=row.title, problem=row.error))
            for row in rows
            if row.error
        ],
        seen=conflicts.seen(_stored(), None if is_stale else request.form),
        is_stale=is_stale,
        asks=format_number(asks) if asks else "",
    )
