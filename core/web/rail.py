"""The left rail: where this person may go. Outside the administration its many pages are one entry.

A panel: it is fetched again when the bell's, the messages' or an entry's own topics are told, so that its numbers
are those of now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask import g, request, url_for
from markupsafe import Markup

from core import notifications, plugin_system
from core.i18n import _
from core.notifications import inbox
from core.plugin_system import NavItem, StaffContext
from core.security import emergency
from core.security import rules as sign_in_rules
from core.tenancy import Practice
from core.web import waiting
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="rail", prefix="/rail")
_LONGEST_PATH: Final = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the rail. badge: how many things wait there."""

    title: str
    icon: str
    url: str
    current: bool
    badge: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of the rail that belong together, below a heading."""

    name: str
    title: str
    entries: list[Entry]


@routes.get("", permission="core.work")
def panel() -> Markup:
    """The rail's entries alone, for the page that heard of a change. at: the path of that page."""
    at = request.args.get("at", "")
    home = f"/p/{g.practice.slug}/"
    g.rail_at = at if at.startswith(home) and len(at) <= _LONGEST_PATH else home
    return render("staff/rail_entries.html")


def path() -> str:
    """Where the reader is: this page, or the one whose rail is fetched again."""
    return str(g.get("rail_at") or request.path)


def entry(title: str, icon: str, url: str, *, exact: bool = False, badge: int | None = None) -> Entry:
    """A line. exact: pages below its own are not its."""
    own = url.partition("?")[0]
    below = path().startswith(own.rstrip("/") + "/") and not exact
    return Entry(title, icon, url, path() == own or below, badge or None)


def offered_by_plugins(practice: Practice) -> list[NavItem]:
    """The plugins' lines that this person may open, in their order."""
    permissions = g.get("permissions", frozenset())
    offered: list[NavItem] = plugin_system.call("navigation", StaffContext(practice, g.user.id, permissions))
    ordered = sorted(offered, key=lambda item: (item.order, item.name))
    return [item for item in ordered if item.permission in permissions]


def topics(offered: list[NavItem]) -> list[str]:
    """What makes the rail's numbers change."""
    own = [inbox.TOPIC, notifications.TROUBLE_TOPIC, emergency.TOPIC]
    return list(dict.fromkeys([*own, *(topic for item in offered for topic in item.topics)]))


def console() -> list[Entry]:
    """The operator's pages; they belong to no practice."""
    return [
        entry(_("Practices"), "building-hospital", url_for("operator.index"), exact=True),
        entry(_("Plugins"), "puzzle", url_for("operator_plugins.index")),
        entry(_("What was given up"), "mail-x", url_for("operator_given_up.index")),
        entry(_("Trail of the platform"), "shield-check", url_for("operator_trail.index")),
        entry(_("Migrations and versions"), "versions", url_for("operator.system")),
    ]


def administration() -> list[Section]:
    """The administration's pages that this person may open."""
    sections = (
        Section("practice", _("Your practice"), list(_allowed(_practice()))),
        Section("messages", _("Messages"), list(_allowed(_messages()))),
        Section("data", _("Data and safety"), list(_allowed(_data()))),
    )
    return [section for section in sections if section.entries]


_Line = tuple[str, str, str, str]
"""permission, title, icon, endpoint"""


def _practice() -> list[_Line]:
    return [
        ("core.manage_practice", _("Overview"), "layout-dashboard", "administration.index"),
        ("core.manage_practice", _("Practice"), "building-hospital", "practice.edit"),
        ("core.manage_staff", _("Staff and roles"), "users-group", "staff.index"),
        ("core.manage_plugins", _("Plugins"), "puzzle", "admin_plugins.index"),
    ]


def _messages() -> list[_Line]:
    return [
        ("core.manage_messages", _("Messages"), "message", "messages.index"),
        ("core.manage_messages", _("Message templates"), "template", "message_templates.index"),
        ("core.manage_messages", _("Usage and cost"), "chart-bar", "usage.index"),
        ("core.manage_practice", _("Patients’ links"), "link", "link_policies.edit"),
    ]


def _data() -> list[_Line]:
    return [
        (sign_in_rules.PERMISSION, _("Sign-in"), "fingerprint", "admin_sign_in.edit"),
        (emergency.OVERSEE, _("Emergency access"), "shield-exclamation", "oversight.index"),
        ("core.manage_practice", _("Keeping data"), "history", "retention.edit"),
        ("core.export_patients", _("Patients’ data"), "file-export", "patient_data.index"),
        ("core.export_patients", _("Exports"), "download", "exports.index"),
        ("core.view_audit", _("Audit trail"), "shield-check", "audit_trail.index"),
    ]


def _allowed(lines: list[_Line]) -> Iterator[Entry]:
    for permission, title, icon, endpoint in lines:
        if permission in g.get("permissions", frozenset()):
            made = entry(title, icon, url_for(endpoint), exact=endpoint == "administration.index")
            if endpoint == "staff.index" and path().startswith(url_for("roles.index")):
                made = Entry(title, icon, made.url, True)
            yield _counted(made, endpoint)


def _counted(made: Entry, endpoint: str) -> Entry:
    kind = _COUNTS.get(endpoint)
    if kind is None:
        return made
    return Entry(made.title, made.icon, made.url, made.current, waiting.count(kind).number or None)


_COUNTS: Final = {"messages.index": "undelivered", "oversight.index": "emergency"}
