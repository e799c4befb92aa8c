"""The audit trail, for whoever may read it: who did what to whose data, when, from where; is it whole; take it away.

Patients are named to those who may find patients anyway. A patient is chosen by a search or by
following a name in the list: no name is ever part of an address. Reading the trail is noted in the trail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder.security.sqla.models import User
from markupsafe import Markup
from sqlalchemy import select

from core import audit, db, i18n, patients
from core.audit import AuditEntry, Filter
from core.i18n import _
from core.tenancy import Membership
from core.web import audit_words, coming_back, emergency, listing, record, sent, trails
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes
from core.web.trails import PAGE

PERMISSION: Final = "core.view_audit"
_KINDS: Final = ("patient", "system")
_SUGGESTED: Final = 8
_SYSTEMS: Final = (patients.NHS_NUMBER, patients.INS, patients.LOCAL)

routes = StaffRoutes("core", __name__, name="audit_trail", prefix="/admin/audit")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as the list shows it. person: as the filter takes it; others: how many more patients it speaks of."""

    seq: int
    at: datetime
    who: str
    person: str
    action: str
    patient: str
    patient_id: UUID | None
    others: int
    reason: str | None
    address: str | None
    part: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for. person: a user's id, "patient" or "system"; days in the practice's time zone."""

    patient_id: UUID | None = None
    person: str = ""
    action: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    def url(self, endpoint: str = "audit_trail.index", **changes: Any) -> str:
        """An address with the same choice, some of it changed."""
        now = replace(self, **changes)
        return url_for(
            endpoint,
            patient=now.patient_id,
            person=now.person or None,
            action=now.action or None,
            since=now.since.isoformat() if now.since else None,
            until=now.until.isoformat() if now.until else None,
            before=now.before,
        )

    def filter(self) -> Filter:
        """The same for the trail."""
        kind: Any = self.person if self.person in _KINDS else "staff" if self.person else None
        return Filter(
            patient_id=self.patient_id,
            actor_kind=kind,
            actor_id=self.person if kind == "staff" else None,
            action=self.action,
            since=_midnight(self.since) if self.since else None,
            until=_midnight(self.until + timedelta(days=1)) if self.until else None,
        )


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """One page of entries, newest first."""
    chosen = _chosen()
    found = audit.history(chosen=chosen.filter(), before_seq=chosen.before, limit=PAGE + 1)
    shown = found[:PAGE]
    names = _names(shown, chosen.patient_id)
    titles = audit_words.titles()
    page = render(
        "admin/audit.html",
        lines=[_line(entry, names, titles, chosen.patient_id) for entry in shown],
        chosen=chosen,
        patient=names.get(chosen.patient_id, _short(chosen.patient_id)) if chosen.patient_id else "",
        older=chosen.url(before=shown[-1].seq) if len(found) > PAGE else None,
        newest=chosen.url(before=None) if chosen.before else None,
        people=_people(),
        actions=_actions(chosen.action),
        may_find=_may_find(),
    )
    audit.record("audit.read", patient_id=chosen.patient_id)
    audit.lists(names)
    return page


@routes.post("/patient", permission=PERMISSION, scope="none")
def find() -> ResponseReturnValue:
    """Whose entries? By name, date of birth or number for who may find patients; else by a whole number alone.

    Posted, because a name is in no address; what leads on holds the id. For the page's script only what was found.
    """
    words = " ".join(request.form.get("q", "")[:200].split())
    chosen = replace(_chosen(), before=None)
    coming_back.again()
    with own_scope(write=False):
        found = patients.search(words, _SUGGESTED, inactive=True) if words and _may_find() else []
        only = found[0].id if len(found) == 1 else _by_number(words)
        is_part = "X-Fragment" in request.headers
        if only is not None and not is_part:
            return redirect(replace(chosen, patient_id=only).url(), 303)
        return render(
            "admin/audit_found.html" if is_part else "admin/audit_find.html",
            found=[(one, record.identity(one)) for one in found],
            words=words,
            chosen=chosen,
            may_find=_may_find(),
        )


def _may_find() -> bool:
    return "core.view_patients" in g.permissions


def _by_number(words: str) -> UUID | None:
    """The one patient with exactly this number: nobody is shown, and nothing is found by trying."""
    number = "".join(words.split())
    holders = {patients.by_identifier(system, number) for system in _SYSTEMS} if number else set()
    ids = {one.id for one in holders if one is not None}
    return ids.pop() if len(ids) == 1 else None


@routes.get("/export.csv", permission=PERMISSION, scope="none")
def export() -> Response:
    """All entries that fit, oldest first, as a table."""
    chosen, practice = _chosen(), g.practice
    with own_scope():
        audit.record("audit.exported", patient_id=chosen.patient_id, detail={"format": "csv"})
    lines = audit.table(audit.every(practice.id, chosen.filter()), audit_words.titles())
    return listing.table_file(_("audit-%(practice)s.csv", practice=practice.slug), lines)


@routes.post("/verify", permission=PERMISSION, scope="none")
def verify() -> ResponseReturnValue:
    """Walk the chain and say whether it is whole. It may be long: no transaction is held meanwhile."""
    result = audit.verify(g.practice_id)
    with own_scope():
        audit.record("audit.verified", detail={"intact": result.intact, "entries": result.entries})
    broken = _(
        "The trail was tampered with: entry %(seq)s is not as it was written. Tell your operator.",
        seq=result.first_bad_seq or 0,
    )
    trails.say_checked(result, broken)
    return redirect(_chosen().url(), 303)


def _chosen() -> Chosen:
    return Chosen(
        patient_id=request.args.get("patient", type=UUID),
        person=request.args.get("person", "")[:64],
        action=request.args.get("action", "").strip()[:80],
        since=request.args.get("since", type=_day),
        until=request.args.get("until", type=_day),
        before=sent.number(request.args.get("before")),
    )


def _day(text: str) -> date:
    """Raises ValueError, for years that no calendar here has, too."""
    found = date.fromisoformat(text)
    if not 1900 <= found.year <= 2200:
        raise ValueError(text)
    return found


def _midnight(day: date) -> datetime:
    zone = i18n.local(db.utcnow()).tzinfo
    return datetime.combine(day, time(), zone)


def _people() -> list[tuple[str, str]]:
    members = select(Membership.user_id).where(Membership.practice_id == db.practice_id())
    found = db.session().scalars(select(User).where(User.id.in_(members)).order_by(User.last_name, User.id))
    staff = {str(user.id): user.get_full_name() for user in found}
    others = [
        (actor, _("%(name)s (not on the staff)", name=name))
        for actor, name in sorted(audit.staff_who_acted().items(), key=lambda one: one[1].casefold())
        if actor not in staff
    ]
    machines = (("patient", _("Patients")), ("system", _("Careroom itself")))
    return [("", _("Everybody")), *staff.items(), *others, *machines]


def _names(entries: Any, patient_id: UUID | None) -> dict[UUID, str]:
    """Names of the patients; nobody's for whom may not find patients, and none of a record that is closed."""
    if "core.view_patients" not in g.permissions:
        return {}
    wanted = {entry.patient_id for entry in entries if entry.patient_id is not None}
    if patient_id is not None:
        wanted.add(patient_id)
    # Whoever oversees a closed record looks at who did what: for that nobody needs the patient's name.
    closed = emergency.closed(wanted)
    return {id: patient.display_name for id, patient in patients.get_many(wanted - closed).items()}


def _short(patient_id: UUID) -> str:
    return f"…{str(patient_id)[-6:]}"


def _actions(chosen: str) -> list[tuple[str, str]]:
    """Every action in words; what an address asks for beside them, such as the beginning of a code, as it stands."""
    known = audit_words.actions()
    own = [(chosen, audit.in_words(chosen, audit_words.titles()))]
    return [("", _("All actions")), *known, *(own if chosen and chosen not in dict(known) else [])]


def _line(entry: AuditEntry, names: dict[UUID, str], titles: dict[str, object], asked: UUID | None) -> Line:
    on_it = entry.shown
    who = entry.patient_id or (asked if asked in on_it else None)
    return Line(
        seq=entry.seq,
        at=entry.at,
        who=_("The patient") if entry.actor_kind == "patient" else entry.actor_name,
        person=entry.actor_id if entry.actor_kind == "staff" else entry.actor_kind,
        action=audit.in_words(entry.action, titles),
        patient=names.get(who, _short(who)) if who else "",
        patient_id=who,
        others=len(on_it) - (who in on_it),
        reason=entry.reason,
        address=entry.address,
        part=audit_words.place(str((entry.detail or {}).get("part") or ""), titles),
    )
