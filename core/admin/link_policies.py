"""Rules for the links that patients get: days and tries, for all of them and for each purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import settings, tenancy
from core.admin import conflicts, owners
from core.i18n import _
from core.links import policies
from core.links.policies import EVERY, LEAST_TRIES, MAX_DAYS, MOST_TRIES, Policy
from core.plugin_system import registry
from core.web import sent
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.manage_practice"
routes = StaffRoutes("core", __name__, name="link_policies", prefix="/admin/links")


@dataclass(frozen=True, slots=True)
class Row:
    """A purpose in the form. days, tries: what is typed or chosen; "" is as usual."""

    purpose: str
    field: str
    title: str
    owner: str
    days: str
    tries: str
    usual_days: int
    usual_tries: int
    days_error: str | None
    tries_error: str | None


@routes.get("", permission=PERMISSION)
def edit() -> Markup:
    """What holds now."""
    return _page(None, {})


@routes.post("", permission=PERMISSION)
def save() -> ResponseReturnValue:
    """Store them, or show the form again with all that was typed."""
    wanted: dict[str, Policy] = {}
    errors: dict[str, str] = {}
    typed: dict[str, str] = {}
    for purpose, _title, _owner in _purposes():
        field = _field(purpose)
        numbers = {}
        for what, least, most in (("days", 1, MAX_DAYS), ("tries", LEAST_TRIES, MOST_TRIES)):
            name = f"{field}-{what}"
            text = typed[name] = request.form.get(name, "").strip()
            number = sent.number(text)
            if text and (number is None or not least <= number <= most):
                errors[name] = _("Enter a whole number from %(least)s to %(most)s.", least=least, most=most)
            else:
                numbers[what] = number
        if len(numbers) == 2:
            wanted[purpose] = Policy(numbers["days"], numbers["tries"])
    if errors:
        return make_response(_page(typed, errors), 422)
    if conflicts.is_stale(request.form, _stored):
        return make_response(_page(typed, {}, is_stale=True), 409)
    policies.choose(wanted)
    flash(_("The rules are saved. They hold for new links; the tries for all."), "success")
    return redirect(url_for("link_policies.edit"), 303)


def _purposes() -> list[tuple[str, str, str]]:
    """(purpose, title, owner): first that of every link, then those of the plugins that are on."""
    found = [(EVERY, _("Every link"), "core")]
    for plugin in registry:
        if tenancy.switches.is_on(plugin.name):
            found += [(item.name, str(item.title), plugin.name) for item in plugin.link_purposes]
    return found


def _field(purpose: str) -> str:
    return purpose.replace(".", "-") or "every"


def _stored() -> dict[str, list[int | None]]:
    found = {purpose: policies.chosen(purpose) for purpose, _title, _owner in _purposes()}
    return {purpose: [policy.days, policy.tries] for purpose, policy in found.items()}


def _page(typed: dict[str, str] | None, errors: dict[str, str], *, is_stale: bool = False) -> Markup:
    rows = [_row(purpose, title, owner, typed, errors) for purpose, title, owner in _purposes()]
    titles = {f"{row.field}-{what}": row.title for row in rows for what in ("days", "tries")}
    return render(
        "admin/link_policies.html",
        rows=rows,
        summary=[(name, f"{titles[name]}: {sentence}") for name, sentence in errors.items()],
        seen=conflicts.seen(_stored(), request.form if errors else None),
        is_stale=is_stale,
    )


def _row(purpose: str, title: str, owner: str, typed: dict[str, str] | None, errors: dict[str, str]) -> Row:
    field, kept = _field(purpose), policies.chosen(purpose)
    days, tries = str(kept.days or ""), str(kept.tries or "")
    if typed is not None:
        days, tries = typed.get(f"{field}-days", ""), typed.get(f"{field}-tries", "")
    is_every = purpose == EVERY
    return Row(
        purpose=purpose,
        field=field,
        title=title,
        owner="" if is_every else owners.title_of(owner),
        days=days,
        tries=tries,
        usual_days=settings.current().link_days if is_every else policies.days_of(),
        usual_tries=policies.USUAL_TRIES if is_every else policies.tries_of(),
        days_error=errors.get(f"{field}-days"),
        tries_error=errors.get(f"{field}-tries"),
    )
