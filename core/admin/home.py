"""The way into the administration: every page of it, with how things stand there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from babel.numbers import format_percent
from flask import g, url_for
from markupsafe import Markup

from core import i18n, patients, retention, tenancy
from core.i18n import _, format_number, ngettext
from core.links import policies
from core.notifications import admission, templates, undelivered, usage
from core.notifications.admission import WARN_AT
from core.plugin_system import activation
from core.security import emergency, invitations, members, roles, rules
from core.tenancy import hours
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.manage_practice"
Tone = Literal["", "success", "warning", "danger"]
routes = StaffRoutes("core", __name__, name="administration", prefix="/admin")


@dataclass(frozen=True, slots=True)
class Card:
    """A page of the administration. state: how things stand there; todo: what asks to be done, in a tone."""

    title: str
    icon: str
    url: str
    state: str
    todo: str = ""
    tone: Tone = ""


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """Those pages that this person may open."""
    groups = [
        (_("Your practice"), list(_cards(_PRACTICE))),
        (_("Messages"), list(_cards(_MESSAGES))),
        (_("Data and safety"), list(_cards(_DATA))),
    ]
    return render("admin/home.html", groups=[(title, cards) for title, cards in groups if cards])


def _cards(makers: tuple[tuple[str, Callable[[], Card]], ...]) -> Iterator[Card]:
    for permission, make in makers:
        if permission in g.permissions:
            yield make()


def _practice() -> Card:
    practice = tenancy.current()
    missing = [
        word
        for word, is_there in (
            (_("address"), practice.address),
            (_("phone"), practice.phone),
            (_("opening hours"), hours.of(practice).is_known),
        )
        if not is_there
    ]
    todo = _("Still missing: %(things)s", things=", ".join(missing)) if missing else ""
    return Card(_("Practice"), "building-hospital", url_for("practice.edit"), practice.name, todo, "warning")


def _staff() -> Card:
    people = members.everybody()
    without = sum(not person.has_second_factor for person in people)
    waiting = len(invitations.pending())
    state = ngettext("%(num)d person", "%(num)d people", len(people))
    if waiting:
        state += " · " + ngettext("%(num)d invitation waits", "%(num)d invitations wait", waiting)
    todo = ngettext(
        "%(num)d person without a second factor", "%(num)d people without a second factor", without
    )
    return Card(_("Staff"), "users-group", url_for("staff.index"), state, todo if without else "", "warning")


def _roles() -> Card:
    own = sum(role.is_own for role in roles.all_roles())
    state = ngettext("%(num)d role of your own", "%(num)d roles of your own", own)
    return Card(_("Roles"), "key", url_for("roles.index"), state if own else _("The usual three"))


def _plugins() -> Card:
    states = activation.states()
    on = sum(state.on for state in states)
    words = _("%(on)s of %(all)s switched on", on=format_number(on), all=format_number(len(states)))
    return Card(_("Plugins"), "puzzle", url_for("admin_plugins.index"), words)


def _undelivered() -> Card:
    failed = undelivered.count_failed()
    todo = ngettext("%(num)d message did not arrive", "%(num)d messages did not arrive", failed)
    state = _("See why, and send again") if failed else _("Every message arrived")
    return Card(_("Messages"), "message", url_for("messages.index"), state, todo if failed else "", "danger")


def _templates() -> Card:
    known = {template.name for template in templates.offered()}
    own = len(known & templates.reworded_by_practice().keys())
    state = ngettext("%(num)d message in your own words", "%(num)d messages in your own words", own)
    return Card(
        _("Message templates"),
        "template",
        url_for("message_templates.index"),
        state if own else _("The standard texts"),
    )


def _budget() -> Card:
    now = admission.usage()
    title, icon, url = _("Rules and budget"), "settings", url_for("message_rules.edit")
    if now.budget is None:
        return Card(title, icon, url, _("No limit for texts"))
    share = now.used / now.budget
    said = _("Budget for texts: %(share)s used", share=format_percent(share, locale=i18n.babel_locale()))
    if share >= 1:
        return Card(title, icon, url, said, _("Texts wait until it is raised"), "danger")
    return Card(title, icon, url, said, _("Nearly used up") if share >= WARN_AT else "", "warning")


def _usage() -> Card:
    sent = usage.sent(1)
    texts = sum(item.messages for item in sent if item.channel == "sms")
    emails = sum(item.messages for item in sent if item.channel == "email")
    state = _(
        "This month: texts %(texts)s, e-mails %(emails)s",
        texts=format_number(texts),
        emails=format_number(emails),
    )
    todo = "" if usage.price().amount is not None else _("Say what a text costs")
    return Card(_("Usage and cost"), "chart-bar", url_for("usage.index"), state, todo)


def _links() -> Card:
    state = _(
        "%(days)s days, locked after %(tries)s wrong dates of birth",
        days=policies.days_of(),
        tries=policies.tries_of(),
    )
    return Card(_("Patients’ links"), "link", url_for("link_policies.edit"), state)


def _retention() -> Card:
    own = sum(retention.days_of(kind) != kind.default_days for kind in retention.registered())
    state = ngettext("%(num)d time of your own", "%(num)d times of your own", own)
    return Card(
        _("Keeping data"), "history", url_for("retention.edit"), state if own else _("The usual times")
    )


def _exports() -> Card:
    number = patients.count(inactive=True)
    state = ngettext("%(num)d patient", "%(num)d patients", number)
    return Card(_("Exports"), "download", url_for("exports.index"), state)


def _sign_in() -> Card:
    required = rules.of(tenancy.current()).second_factor == "required"
    state = _("Second factor required") if required else _("Everybody decides on a second factor")
    return Card(_("Sign-in"), "fingerprint", url_for("admin_sign_in.edit"), state)


def _oversight() -> Card:
    waiting = emergency.count_unreviewed()
    todo = ngettext("%(num)d to look at", "%(num)d to look at", waiting)
    state = "" if waiting else _("Nothing to look at")
    return Card(
        _("Emergency access"),
        "shield-exclamation",
        url_for("oversight.index"),
        state,
        todo if waiting else "",
        "warning",
    )


def _audit() -> Card:
    return Card(
        _("Audit trail"), "shield-check", url_for("audit_trail.index"), _("Who saw or changed what, and when")
    )


_PRACTICE: Final = (
    ("core.manage_practice", _practice),
    ("core.manage_staff", _staff),
    ("core.manage_staff", _roles),
    ("core.manage_plugins", _plugins),
)
_MESSAGES: Final = (
    ("core.manage_messages", _undelivered),
    ("core.manage_messages", _templates),
    ("core.manage_messages", _budget),
    ("core.manage_messages", _usage),
    ("core.manage_practice", _links),
)
_DATA: Final = (
    (rules.PERMISSION, _sign_in),
    (emergency.OVERSEE, _oversight),
    ("core.manage_practice", _retention),
    ("core.export_patients", _exports),
    ("core.view_audit", _audit),
)
