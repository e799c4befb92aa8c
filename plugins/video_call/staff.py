"""The pages of the practice: invite, see who waits, and what a consultation came to. The steps are in ``steps``."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from core.sdk import (
    Patient,
    _,
    abort,
    audit,
    can,
    colleagues,
    compose,
    db,
    flash,
    i18n,
    links,
    listing,
    live,
    notifications,
    own_scope,
    patients,
    redirect,
    request,
    topic,
    url_for,
    utcnow,
    uuid7,
)
from plugins.video_call import (
    finding,
    invitations,
    lists,
    reach,
    service,
    states,
)
from plugins.video_call.errors import CallError, CannotInvite, WrongState
from plugins.video_call.invitations import Wish
from plugins.video_call.models import Call
from plugins.video_call.pages import page
from plugins.video_call.steps import CONDUCT, INVITE, find, routes

__all__ = ["find", "routes"]

_EVERYBODY: Final = "all"


@routes.get("/", permission=INVITE)
def index() -> str:
    """Consultations: who waits and what goes on, today's, those of the past, and all."""
    return _list(_wanted())


@routes.post("/", permission=INVITE, scope="none")
def search() -> Any:
    """The same for what is searched for (a name is in no address); ``action=csv``: as a table to take away."""
    with own_scope(write=False):
        wanted = _wanted()
        if request.form.get("action") == "csv":
            total = finding.count(wanted)
            table = listing.taken_away(
                _("consultations.csv"), finding.COLUMNS, total, lambda: finding.table(wanted)
            )
            return table or redirect(_address(wanted), 303)
        return _list(wanted) if wanted.asked.words else redirect(_address(wanted), 303)


def _wanted() -> finding.Wanted:
    tab = listing.one_of("show", finding.TABS, "active")
    outcome = request.values.get("outcome", "all")
    return finding.Wanted(
        tab=tab,
        asked=listing.asked(finding.ORDERS),
        outcome=outcome if outcome in finding.OUTCOMES[tab] else "all",
        holder=audit.actor().id if request.values.get("whose") == "mine" else None,
    )


def _address(wanted: finding.Wanted, **changes: Any) -> str:
    """The address of a list, without the words of a search."""
    values = {
        "show": wanted.tab,
        "outcome": wanted.outcome if wanted.outcome != "all" else None,
        "whose": "mine" if wanted.holder else None,
        **wanted.asked.address(finding.ORDERS[0]),
    }
    return url_for(".index", **{**values, **changes})


def _list(wanted: finding.Wanted) -> str:
    found = finding.page(wanted)
    listing.note(wanted.asked, found.total, (row.patient.id for row in found.rows))
    live(topic(service.SUBJECT))
    return page(
        "index_list.html" if "fragment" in request.args else "index.html",
        chosen=wanted.tab,
        outcome=wanted.outcome,
        outcomes=finding.OUTCOMES[wanted.tab],
        whose="mine" if wanted.holder else _EVERYBODY,
        found=found,
        tab_url=lambda tab: _address(
            finding.Wanted(tab, listing.Asked(order=finding.ORDERS[0]), holder=wanted.holder)
        ),
        page_url=lambda number: _address(wanted, page=number),
        fragment_url=_address(wanted, page=found.asked.page, fragment=1),
        waiting_total=lists.count_waiting(),
        may_conduct=can(CONDUCT),
        may_export=listing.may_export(),
        me=audit.actor().id,
    )


@routes.get("/invite/<uuid:patient_id>", permission=INVITE)
def invite(patient_id: UUID) -> str:
    """The form that invites a patient. ``?phone=1``: the two are on the phone already, so a text goes out."""
    patient = _patient(patient_id)
    usable = invitations.usable_channels(patient)
    by_phone = "phone" in request.args
    chosen = ["sms"] if by_phone and "sms" in usable else usable[:1]
    return _form(patient, {"channels": chosen, "phone_first": by_phone, "id": uuid7(), "holder": _me()})


@routes.post("/invite/<uuid:patient_id>", permission=INVITE)
def send(patient_id: UUID) -> Any:
    """Send the invitation. The form carries the call's id: sent twice, it invites once."""
    patient = _patient(patient_id)
    typed = _typed()
    try:
        with db.savepoint():
            call = invitations.invite(patient, _wish(typed), id=typed["id"])
    except (CallError, notifications.NotificationError) as refusal:
        return _form(patient, typed, refusal), 422
    flash(_("Invitation sent to %(name)s.", name=patient.display_name), "success")
    if call.scheduled_at or not can(CONDUCT):
        return redirect(url_for(".index", show="active"), 303)
    return redirect(url_for(".call", call_id=call.id), 303)


@routes.post("/invite/<uuid:patient_id>/preview", permission=INVITE)
def preview(patient_id: UUID) -> str:
    """The message as it will be sent, as a fragment."""
    patient = _patient(patient_id)
    return page("invite_preview.html", patient=patient, **_preview(patient, _typed()))


@routes.get("/calls/<uuid:call_id>/move", permission=INVITE)
def move(call_id: UUID) -> Any:
    """The form that plans a call for another time; a call that is not planned any more is told so on the list."""
    call = find(call_id)
    if service.state_of(call) != states.SCHEDULED or call.scheduled_at is None:
        flash(WrongState().message, "warning")
        return redirect(url_for(".index"), 303)
    here = i18n.local(call.scheduled_at)
    return _move_form(call, {"day": here.date().isoformat(), "time": here.strftime("%H:%M")})


@routes.post("/calls/<uuid:call_id>/move", permission=INVITE)
def move_to(call_id: UUID) -> Any:
    """Plan it for another time, and tell the patient."""
    call = find(call_id)
    typed = {"day": request.form.get("day", "")[:10], "time": request.form.get("time", "")[:5]}
    try:
        with db.savepoint():
            invitations.move(call, _planned_for(typed))
    except (CallError, notifications.NotificationError) as refusal:
        return _move_form(call, typed, error=refusal.message), 422
    name = service.patient_of(call).display_name
    flash(_("Moved. %(name)s is told the new time, with a new link.", name=name), "success")
    return redirect(url_for(".index", show="active"), 303)


@routes.post("/calls/<uuid:call_id>/move/preview", permission=INVITE)
def move_preview(call_id: UUID) -> str:
    """The message as it will be sent, as a fragment."""
    call = find(call_id)
    typed = {"day": request.form.get("day", "")[:10], "time": request.form.get("time", "")[:5]}
    patient = service.patient_of(call)
    return page("invite_preview.html", patient=patient, **_preview(patient, _as_invited(call, typed)))


def _move_form(call: Call, typed: dict[str, str], *, error: str | None = None) -> str:
    patient = service.patient_of(call)
    return page(
        "move.html",
        call=call,
        patient=patient,
        typed=typed,
        error=error,
        **_days(),
        **_preview(patient, _as_invited(call, typed)),
    )


def _as_invited(call: Call, typed: dict[str, str]) -> dict[str, Any]:
    """A moved call as the form of a new one would carry it."""
    channels = reach.own_channels(service.patient_of(call), call)
    return typed | {"channels": channels, "later": True, "note": call.note, "holder": call.clinician_id}


def _patient(patient_id: UUID) -> Patient:
    try:
        found = patients.get(patient_id)
    except patients.PatientNotFound:
        abort(404)
    audit.concerns(found.id)
    return found


def _me() -> str:
    return audit.actor().id


def _typed() -> dict[str, Any]:
    """What was typed into the form, as it was typed."""
    form = request.form
    return {
        "channels": form.getlist("channels"),
        "mobile": form.get("mobile", "")[:40],
        "note": form.get("note", ""),
        "later": form.get("when") == "later",
        "day": form.get("day", "")[:10],
        "time": form.get("time", "")[:5],
        "phone_first": "phone_first" in form,
        "holder": form.get("holder") or _me(),
        "id": form.get("id", type=UUID) or uuid7(),
    }


def _wish(typed: dict[str, Any]) -> Wish:
    """Raises CannotInvite for a day or a time that is none, or a colleague who holds no consultations."""
    at = None
    if typed.get("later"):
        at = _planned_for(typed)
    holder = None
    if typed.get("holder") != _me() or not can(CONDUCT):
        found = next(
            (one for one in colleagues.who_may(CONDUCT) if str(one.user_id) == typed["holder"]), None
        )
        if found is None:
            raise CannotInvite(_("Choose who holds the consultation."), field="holder")
        holder = (str(found.user_id), found.name)
    return Wish(
        typed["channels"], typed.get("mobile"), typed.get("note"), at, bool(typed.get("phone_first")), holder
    )


def _planned_for(typed: dict[str, Any]) -> datetime:
    """The moment that a day and a time name here. Raises CannotInvite."""
    try:
        here = datetime.combine(date.fromisoformat(typed["day"]), time.fromisoformat(typed["time"]))
        return here.replace(tzinfo=i18n.local(utcnow()).tzinfo).astimezone(utcnow().tzinfo)
    except (ValueError, OverflowError):  # the first and the last day that there are have no hour elsewhere
        raise CannotInvite(_("Enter the day and the time of the consultation."), field="day") from None


def _days() -> dict[str, str]:
    """The days for which a consultation can be planned."""
    here = i18n.local(utcnow())
    last = here + timedelta(days=invitations.MOST_DAYS_AHEAD)
    return {"first_day": here.date().isoformat(), "last_day": last.date().isoformat()}


def _form(
    patient: Patient,
    typed: dict[str, Any],
    refusal: CallError | notifications.NotificationError | None = None,
) -> str:
    return page(
        "invite.html",
        typed=typed,
        wrong={_field_of(refusal, typed): refusal.message} if refusal is not None else {},
        max_note=invitations.MAX_NOTE,
        workspace=url_for("patients.show", patient_id=patient.id),
        patient=patient,
        holders=[(str(one.user_id), one.name) for one in colleagues.who_may(CONDUCT)],
        **_days(),
        **_preview(patient, typed),
    )


def _field_of(refusal: CallError | notifications.NotificationError, typed: dict[str, Any]) -> str:
    """What in the form a refusal is about."""
    if isinstance(refusal, CannotInvite):
        return refusal.field
    is_number = isinstance(refusal, notifications.InvalidRecipient) and typed.get("mobile")
    return "mobile" if is_number else "channels"


def _preview(patient: Patient, typed: dict[str, Any]) -> dict[str, Any]:
    """The message with a link of the very length that the real one will have."""
    channels = {*typed["channels"], *(["sms"] if typed.get("mobile") else [])}
    return compose.shown(
        patient, channels, lambda: invitations.preview(patient, _wish(typed), link=links.example_url())
    )
