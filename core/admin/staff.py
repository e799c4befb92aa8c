"""The staff of a practice: who they are, what they may do, who is invited, and their leaving."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit
from core.admin import conflicts
from core.admin import staff_finding as finding
from core.i18n import _
from core.security import invitations, members, roles
from core.security.invitations import InvitationOver, InvitationRefused
from core.security.members import Member
from core.security.roles import RoleRefused
from core.web import coming_back, listing
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = roles.MANAGE_STAFF
PAGE: Final = 50
routes = StaffRoutes("core", __name__, name="staff", prefix="/admin/staff")


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """Everybody who works here, and who is invited."""
    return _list()


@routes.post("", permission=PERMISSION, scope="none")
def search() -> ResponseReturnValue:
    """Those who are searched for: by POST, since a colleague's name is in no address. ``action=csv``: as a table."""
    with own_scope(write=False):
        if request.form.get("action") != "csv":
            return _list()
        found = finding.fitting(members.everybody(), _wanted())
        audit.record("staff.exported", detail={"format": "csv", "count": len(found)})
        return listing.table(_("staff.csv"), finding.COLUMNS, finding.cells(found))


def _wanted() -> finding.Wanted:
    return finding.Wanted(
        listing.asked(finding.ORDERS),
        role=request.values.get("role", "")[:64],
        state=listing.one_of("state", finding.STATES, ""),
    )


def _list() -> Markup:
    people, wanted = members.everybody(), _wanted()
    found = finding.fitting(people, wanted)
    asked, pages = wanted.asked.on_page(len(found), PAGE)
    return render(
        "admin/staff.html",
        tab="staff",
        people=found[(asked.page - 1) * PAGE : asked.page * PAGE],
        total=len(found),
        page_url=lambda number: url_for(
            "staff.index",
            page=number,
            role=wanted.role or None,
            state=wanted.state or None,
            **asked.address("name"),
        ),
        asked=asked,
        wanted=wanted,
        pages=pages,
        without_second=sum(not person.has_second_factor for person in people),
        invited=invitations.pending(),
        titles=roles.titles(),
        me=g.user.id,
    )


@routes.get("/invite", permission=PERMISSION)
def invitation() -> Markup:
    """The form that invites somebody."""
    return _invite_page({}, None)


@routes.post("/invite", permission=PERMISSION)
def invite() -> ResponseReturnValue:
    """Send the e-mail, or show the form again with what is wrong."""
    typed = {
        name: request.form.get(name, "").strip() for name in ("email", "given_names", "family_name", "role")
    }
    try:
        made = invitations.invite(typed["email"], typed["given_names"], typed["family_name"], typed["role"])
    except InvitationRefused as refused:
        return make_response(_invite_page(typed, refused.message), 422)
    flash(_("An invitation is on its way to %(email)s.", email=made.email), "success")
    return redirect(url_for("staff.index"), 303)


@routes.post("/invitations/<uuid:invitation_id>/resend", permission=PERMISSION)
def resend(invitation_id: UUID) -> ResponseReturnValue:
    """Send an invitation again, with a new link."""
    try:
        made = invitations.resend(invitation_id)
    except InvitationOver:
        flash(_("This invitation was accepted or withdrawn meanwhile."), "warning")
    except InvitationRefused as refused:
        flash(refused.message, "warning")
    except LookupError:
        abort(404)
    else:
        flash(_("An invitation is on its way to %(email)s.", email=made.email), "success")
    return redirect(url_for("staff.index"), 303)


@routes.post("/invitations/<uuid:invitation_id>/withdraw", permission=PERMISSION)
def withdraw(invitation_id: UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    try:
        invitations.withdraw(invitation_id)
    except InvitationOver:
        flash(_("This invitation was accepted or withdrawn meanwhile."), "warning")
    except LookupError:
        abort(404)
    else:
        flash(_("The invitation is withdrawn. Its link opens nothing any more."), "success")
    return redirect(url_for("staff.index"), 303)


@routes.get("/<int:user_id>", permission=PERMISSION)
def edit(user_id: int) -> Markup:
    """The roles of one person."""
    person = _person(user_id)
    return _person_page(person, list(person.roles), None)


@routes.post("/<int:user_id>", permission=PERMISSION)
def save(user_id: int) -> ResponseReturnValue:
    """Give them other roles."""
    person, wanted = _person(user_id), request.form.getlist("roles")
    if conflicts.is_stale(request.form, lambda: _person(user_id).roles):
        return make_response(_person_page(_person(user_id), wanted, None, is_stale=True), 409)
    try:
        members.set_roles(user_id, wanted)
    except RoleRefused as refused:
        return make_response(_person_page(person, wanted, refused.message), refused.status)
    flash(_("The roles of %(name)s are saved.", name=person.name), "success")
    return redirect(url_for("staff.index") if user_id != g.user.id else url_for("today.index"), 303)


@routes.post("/<int:user_id>/remove", permission=PERMISSION)
def remove(user_id: int) -> ResponseReturnValue:
    """They work here no longer."""
    person = _person(user_id)
    try:
        members.remove(user_id)
    except RoleRefused as refused:
        coming_back.to(url_for("staff.edit", user_id=user_id))
        return make_response(_person_page(person, list(person.roles), refused.message), refused.status)
    flash(_("%(name)s works here no longer and is signed out.", name=person.name), "success")
    return redirect(url_for("staff.index") if user_id != g.user.id else "/", 303)


def _person(user_id: int) -> Member:
    try:
        return members.get(user_id)
    except LookupError:
        abort(404)


def _person_page(person: Member, chosen: list[str], error: str | None, *, is_stale: bool = False) -> Markup:
    return render(
        "admin/staff_member.html",
        person=person,
        roles=roles.all_roles(),
        chosen=chosen,
        error=error,
        is_me=person.user_id == g.user.id,
        seen=conflicts.seen(person.roles, None if is_stale else request.form),
        is_stale=is_stale,
    )


def _invite_page(typed: dict[str, Any], error: str | None) -> Markup:
    options = [(role.key, role.title) for role in roles.all_roles()]
    return render(
        "admin/staff_invite.html",
        typed=typed,
        error=error,
        options=[("", _("Choose a role")), *options],
    )
