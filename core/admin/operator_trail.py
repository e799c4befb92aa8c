"""The platform's trail, in the operator's console: sign-ins, sessions, second factors, and what operators did.

What belongs to no practice and so is on no practice's trail. A person is chosen by a search: no name is ever part of
an address. Reading the trail is noted in the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder.security.sqla.models import User
from markupsafe import Markup
from sqlalchemy import func, or_, select

from core import audit, db
from core.audit import Filter, PlatformAuditEntry
from core.i18n import _
from core.security.sign_in import subject_of
from core.tenancy import Practice
from core.web import audit_words, listing, sent, trails
from core.web.listing import Asked
from core.web.pages import render
from core.web.routes import CoreRoutes
from core.web.trails import PAGE

_FOUND: Final = 20
_USER: Final = "ab_user"

routes = CoreRoutes("operator_trail", __name__, prefix="/operator/trail")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as the list shows it. about: whose account, or which practice."""

    seq: int
    at: datetime
    who: str
    action: str
    about: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for. person: a user's id."""

    asked: Asked
    person: int | None = None
    action: str = ""
    before: int | None = None

    def url(self, endpoint: str = "operator_trail.index", **changes: Any) -> str:
        """An address with the same choice, some of it changed."""
        now = replace(self, **changes)
        days = now.asked.address()
        return url_for(
            endpoint,
            person=now.person,
            action=now.action or None,
            since=days["since"],
            until=days["until"],
            before=now.before,
        )

    def filter(self) -> Filter:
        """The same for the trail: what the person did, and what was done to their account."""
        since, until = self.asked.moments()
        whose = subject_of(self.person)[1] if self.person is not None else None
        actor = str(self.person) if self.person is not None else None
        return Filter(actor_id=actor, subject_id=whose, action=self.action, since=since, until=until)


@routes.get("", access="operator")
def index() -> Markup:
    """One page of entries, newest first."""
    chosen = _chosen()
    found = audit.platform_history(chosen.filter(), before_seq=chosen.before, limit=PAGE + 1)
    shown = found[:PAGE]
    known = audit_words.actions("platform")
    own = [(chosen.action, audit.in_words(chosen.action, audit_words.titles()))] if chosen.action else []
    page = render(
        "operator/trail.html",
        lines=_lines(shown),
        chosen=chosen,
        person=_name_of(chosen.person) if chosen.person is not None else "",
        older=chosen.url(before=shown[-1].seq) if len(found) > PAGE else None,
        newest=chosen.url(before=None) if chosen.before else None,
        actions=[("", _("All actions")), *known, *(own if chosen.action not in dict(known) else [])],
    )
    audit.record_platform("audit.read")
    return page


@routes.post("/person", access="operator", scope="none")
def find() -> ResponseReturnValue:
    """Whose entries? By name, user name or e-mail address. Posted, because a name is in no address."""
    words = " ".join(request.form.get("q", "")[:200].split())
    chosen = replace(_chosen(), before=None)
    with db.scope(write=False):
        found = _people(words) if words else []
        if len(found) == 1:
            return redirect(replace(chosen, person=found[0].id).url(), 303)
        return render("operator/trail_find.html", found=found, words=words, chosen=chosen)


@routes.get("/export.csv", access="operator", scope="none")
def export() -> Response:
    """All entries that fit, oldest first, as a table."""
    chosen = _chosen()
    with db.scope():
        audit.record_platform("audit.exported", detail={"format": "csv"})
    lines = audit.table(audit.every_of_platform(chosen.filter()), audit_words.titles())
    return listing.table_file(_("platform-trail.csv"), lines)


@routes.post("/verify", access="operator", scope="none")
def verify() -> ResponseReturnValue:
    """Walk the chain and say whether it is whole. It may be long: no transaction is held meanwhile."""
    result = audit.verify_platform()
    with db.scope():
        audit.record_platform("audit.verified", detail={"intact": result.intact, "entries": result.entries})
    broken = _(
        "The trail was tampered with: entry %(seq)s is not as it was written.", seq=result.first_bad_seq or 0
    )
    trails.say_checked(result, broken)
    return redirect(_chosen().url(), 303)


def _chosen() -> Chosen:
    return Chosen(
        asked=listing.asked(),
        person=sent.number(request.args.get("person")),
        action=request.args.get("action", "").strip()[:80],
        before=sent.number(request.args.get("before")),
    )


def _people(words: str) -> Sequence[User]:
    columns = (User.username, User.email, User.first_name, User.last_name)
    fits = [
        or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in columns))
        for word in words.split()[:8]
    ]
    wanted = select(User).where(*fits).order_by(User.last_name, User.id).limit(_FOUND)
    return db.session().scalars(wanted).all()


def _name_of(user_id: int) -> str:
    user = db.session().get(User, user_id)
    return str(user.get_full_name()) if user is not None else _("somebody who is gone")


def _lines(entries: Sequence[PlatformAuditEntry]) -> list[Line]:
    titles, about = audit_words.titles(), _subjects(entries)
    return [
        Line(
            entry.seq,
            entry.at,
            entry.actor_name,
            audit.in_words(entry.action, titles),
            _about(entry, about),
            entry.address,
        )
        for entry in entries
    ]


def _about(entry: PlatformAuditEntry, names: dict[UUID, str]) -> str:
    if entry.subject_id is not None:
        return names.get(entry.subject_id, "")
    return _("An account that there is not") if (entry.detail or {}).get("account") == "unknown" else ""


def _subjects(entries: Iterable[PlatformAuditEntry]) -> dict[UUID, str]:
    """What the subjects are called. A user's key is made from their number, and so found by making everybody's."""
    users = {one.subject_id for one in entries if one.subject_id is not None and one.subject_type == _USER}
    others = {one.subject_id for one in entries if one.subject_id is not None} - users
    ids: Iterable[int] = db.session().scalars(select(User.id)) if users else ()
    keys = {id: key for id in ids if (key := subject_of(id)[1]) in users}
    people = db.session().scalars(select(User).where(User.id.in_(keys)))
    practices = db.session().execute(select(Practice.id, Practice.name).where(Practice.id.in_(others)))
    return {
        **{keys[user.id]: str(user.get_full_name()) for user in people},
        **{row.id: row.name for row in practices},
    }
