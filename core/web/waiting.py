"""Today's cards of the core: what waits for this person, and what waits for the practice.

How many there are of each is one statement for all cards together. A card with nothing in it hides itself and comes
back when one of its topics is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import g, url_for
from markupsafe import Markup
from sqlalchemy import Select, and_, func, or_, select

from core import audit, db, links, notifications, patients
from core.i18n import LazyString, _, _l, ngettext
from core.links import Link
from core.notifications import Notification, inbox, undelivered
from core.patients import import_runs
from core.patients.models import PatientImport
from core.plugin_system import Panel, StaffContext
from core.security import emergency, invitations
from core.security.models import EmergencyAccess, Invitation
from core.web import shell
from core.web.communication import titles_here
from core.web.pages import render

_EDIT: Final = "core.edit_patients"
_IMPORT: Final = "core.import_patients"
_SHOWN: Final = 5
_BAD_ROWS_FOR: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of a kind wait, and since when the oldest does."""

    number: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that waits. query: selects its count and its oldest time, for this user."""

    name: str
    permission: str
    query: Callable[[int], Select[Any, Any]]


@dataclass(frozen=True, slots=True)
class Message:
    """One of this person's messages that did not arrive. patient_url: of the messages to that patient."""

    id: UUID
    title: str
    patient: str
    patient_url: str | None
    reason: str
    at: datetime


# --- how many ------------------------------------------------------------------------------------------------------


def count(name: str) -> Waiting:
    """How many of a kind wait for the person of this request; none where they may not know."""
    return _counts().get(name, Waiting(0, None))


def _counts() -> dict[str, Waiting]:
    user_id, permissions = g.user.id, g.permissions
    return db.memo(("today.waiting", user_id), lambda: _ask(user_id, permissions))


def _ask(user_id: int, permissions: frozenset[str]) -> dict[str, Waiting]:
    asked = [kind for kind in _KINDS if kind.permission in permissions]
    columns = []
    for kind in asked:
        query = kind.query(user_id)
        columns += [query.with_only_columns(column).scalar_subquery() for column in query.selected_columns]
    row = db.session().execute(select(*columns)).one()
    return {kind.name: Waiting(row[2 * at] or 0, row[2 * at + 1]) for at, kind in enumerate(asked)}


def _mine(user_id: int) -> Select[Any, Any]:
    return select(func.count(Notification.id), func.min(Notification.created_at)).where(
        *undelivered.failed(), Notification.requested_by == str(user_id)
    )


def _undelivered(_user_id: int) -> Select[Any, Any]:
    return select(func.count(Notification.id), func.min(Notification.created_at)).where(*undelivered.failed())


def _emergencies(_user_id: int) -> Select[Any, Any]:
    return select(func.count(EmergencyAccess.id), func.min(EmergencyAccess.started_at)).where(
        EmergencyAccess.reviewed_at.is_(None)
    )


def _locked(_user_id: int) -> Select[Any, Any]:
    return select(func.count(Link.id), func.min(Link.locked_at)).where(*links.locked())


def _imports(_user_id: int) -> Select[Any, Any]:
    return select(func.count(PatientImport.id), func.min(PatientImport.created_at)).where(_is_open())


def _is_open() -> Any:
    has_bad_rows = PatientImport.report[("bad_rows", 0, "number")].as_string().is_not(None)
    lately = PatientImport.finished_at > db.utcnow() - _BAD_ROWS_FOR
    return or_(PatientImport.state != "done", and_(lately, has_bad_rows))


def _invitations(_user_id: int) -> Select[Any, Any]:
    return select(func.count(Invitation.id), func.min(Invitation.expires_at)).where(
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
        Invitation.expires_at <= db.utcnow(),
    )


_KINDS: Final = (
    Kind("mine", "core.work", _mine),
    Kind("undelivered", "core.manage_messages", _undelivered),
    Kind("emergency", emergency.OVERSEE, _emergencies),
    Kind("locked", _EDIT, _locked),
    Kind("imports", _IMPORT, _imports),
    Kind("invitations", invitations.PERMISSION, _invitations),
)


# --- the cards -----------------------------------------------------------------------------------------------------


def panels(ctx: StaffContext) -> list[Panel]:
    """The core's own, for the narrow column of Today."""
    trouble = notifications.TROUBLE_TOPIC

    def card(
        name: str, title: LazyString, view: Callable[[StaffContext], str], permission: str, *topics: str
    ) -> Panel:
        return Panel("today.side", name, title, view, permission, topics, order=10 * (len(made) + 1))

    made: list[Panel] = []
    made.append(card("for_me", _l("Waits for you"), for_me, "core.work", inbox.TOPIC, trouble))
    made.append(card("emergency", _l("Emergency access"), emergencies, emergency.OVERSEE, emergency.TOPIC))
    made.append(card("locked_links", _l("Locked links"), locked_links, _EDIT, links.LOCKS_TOPIC))
    made.append(
        card(
            "undelivered",
            _l("Messages that did not arrive"),
            messages,
            notifications.rules.PERMISSION,
            trouble,
        )
    )
    made.append(card("imports", _l("Imports of patients"), imports, _IMPORT, import_runs.TOPIC))
    made.append(
        card("invitations", _l("Invitations"), expired_invitations, invitations.PERMISSION, invitations.TOPIC)
    )
    return made


def for_me(ctx: StaffContext) -> Markup:
    """What is new under this person's bell, and what they sent that did not arrive. Says so when there is nothing."""
    waiting = count("mine")
    shown = _messages_of(ctx) if waiting.number else []
    bell = shell.current().bell
    news = [item for item in bell.items if not item.read][:_SHOWN] if bell is not None else []
    audit.lists(item.patient_id for item in news if item.patient_id is not None)
    return render(
        "today/for_me.html",
        news=news,
        unread=bell.unread if bell is not None else 0,
        messages=shown,
        more=waiting.number - len(shown),
    )


def emergencies(_ctx: StaffContext) -> str:
    """Records that were opened in an emergency and that nobody has looked at."""
    waiting = count("emergency")
    words = ngettext(
        "%(num)d record was opened in an emergency. Look at why.",
        "%(num)d records were opened in an emergency. Look at why.",
        waiting.number,
    )
    return _card(waiting, "shield-exclamation", words, _("Look at it"), url_for("oversight.index"))


def locked_links(_ctx: StaffContext) -> str:
    """Links that wrong dates of birth have locked."""
    waiting = count("locked")
    words = ngettext(
        "%(num)d link is locked after wrong dates of birth. The patient cannot go on.",
        "%(num)d links are locked after wrong dates of birth. These patients cannot go on.",
        waiting.number,
    )
    return _card(waiting, "lock", words, _("See and unlock"), url_for("locked_links.index"))


def messages(_ctx: StaffContext) -> str:
    """The practice's messages that did not arrive."""
    waiting = count("undelivered")
    words = ngettext("%(num)d message did not arrive", "%(num)d messages did not arrive", waiting.number)
    return _card(waiting, "mail-x", words, _("See why, and send again"), url_for("messages.index"))


def expired_invitations(_ctx: StaffContext) -> str:
    """Invitations of colleagues that ran out unused."""
    waiting = count("invitations")
    words = ngettext(
        "%(num)d invitation ran out before it was used",
        "%(num)d invitations ran out before they were used",
        waiting.number,
    )
    return _card(waiting, "user-off", words, _("Send again or withdraw"), url_for("staff.index"))


def imports(_ctx: StaffContext) -> str:
    """Lists of patients that are under way, or have rows that stayed out."""
    if not count("imports").number:
        return ""
    rows = db.session().scalars(
        select(PatientImport).where(_is_open()).order_by(PatientImport.created_at.desc()).limit(_SHOWN)
    )
    return render("today/imports.html", imports=[(row, import_runs.report_of(row).bad) for row in rows])


def _card(waiting: Waiting, icon: str, words: str, label: str, url: str) -> str:
    if not waiting.number:
        return ""
    return render(
        "today/waiting.html", since=waiting.since, icon_name=icon, words=words, label=label, url=url
    )


def _messages_of(ctx: StaffContext) -> list[Message]:
    rows = undelivered.of_requester(ctx.user_id, _SHOWN)
    about = {row.patient_id for row in rows if row.patient_id is not None}
    named = patients.get_many(about) if ctx.can(emergency.VIEW) else {}
    audit.lists(about)
    titles = titles_here()
    found = []
    for row in rows:
        patient = named.get(row.patient_id) if row.patient_id is not None else None
        found.append(
            Message(
                row.id,
                titles.get(row.template, _("Message")),
                patient.display_name if patient else "",
                url_for("communication.index", patient_id=patient.id) if patient else None,
                notifications.reason(row.last_error),
                row.created_at,
            )
        )
    return found
