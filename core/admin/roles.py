"""Roles: who may do what, in words; and the practice's own roles, copied from others and ticked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import abort, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import tenancy
from core.admin import conflicts, owners
from core.i18n import _
from core.security import roles
from core.security.roles import PracticeRole, RoleRefused
from core.web import coming_back
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = roles.MANAGE_STAFF
routes = StaffRoutes("core", __name__, name="roles", prefix="/admin/roles")


@dataclass(frozen=True, slots=True)
class Right:
    """A permission in words. is_on: does its owner do anything in this practice now?"""

    name: str
    title: str
    owner: str
    is_on: bool


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """The matrix."""
    return render("admin/roles.html", tab="roles", roles=roles.all_roles(), groups=_groups())


@routes.get("/new", permission=PERMISSION)
def new() -> Markup:
    """A new role, with what another one may do ticked already."""
    source = _role_or_none(request.args.get("copy", ""))
    title = _("%(role)s (copy)", role=source.title) if source else ""
    return _form(None, title, "", set(source.permissions) if source else set())


@routes.post("/new", permission=PERMISSION)
def make() -> ResponseReturnValue:
    """Make it, or show the form again with all that was typed and ticked."""
    return _save(None)


@routes.get("/<key>", permission=PERMISSION)
def edit(key: str) -> Markup:
    """One of the practice's own roles."""
    role = _own_role(key)
    return _form(role, role.title, role.note, set(role.permissions))


@routes.post("/<key>", permission=PERMISSION)
def save(key: str) -> ResponseReturnValue:
    """Change it, or show the form again with all that was typed and ticked."""
    return _save(_own_role(key))


@routes.post("/<key>/delete", permission=PERMISSION)
def delete(key: str) -> ResponseReturnValue:
    """Delete one that nobody has."""
    role = _own_role(key)
    try:
        roles.delete(key)
    except RoleRefused as refused:
        coming_back.to(url_for("roles.edit", key=key))
        answer = _form(role, role.title, role.note, set(role.permissions), refused)
        return make_response(answer, refused.status)
    flash(_("The role “%(role)s” is deleted.", role=role.title), "success")
    return redirect(url_for("roles.index"), 303)


def _save(role: PracticeRole | None) -> ResponseReturnValue:
    title, note = request.form.get("title", ""), request.form.get("note", "")
    ticked = set(request.form.getlist("permissions"))
    if role is not None and conflicts.is_stale(request.form, lambda: _stored(role.key)):
        return make_response(_form(role, title, note, ticked, is_stale=True), 409)
    try:
        if role is None:
            roles.make(title, note, ticked)
        else:
            roles.change(role.key, title, note, ticked)
    except RoleRefused as refused:
        return make_response(_form(role, title, note, ticked, refused), refused.status)
    flash(_("The role “%(role)s” is saved.", role=" ".join(title.split())), "success")
    return redirect(url_for("roles.index"), 303)


def _role_or_none(key: str) -> PracticeRole | None:
    try:
        return roles.get(key)
    except LookupError:
        return None


def _own_role(key: str) -> PracticeRole:
    role = _role_or_none(key)
    if role is None or not role.is_own:
        abort(404)
    return role


def _stored(key: str) -> list[Any]:
    role = _own_role(key)
    return [role.title, role.note, sorted(role.permissions)]


def _groups() -> list[tuple[str, str, list[Right]]]:
    rights = []
    for item in roles.grantable():
        owner = tenancy.switches.owner_of(item.name)
        rights.append(Right(item.name, str(item.title), owner, tenancy.switches.is_on(owner)))
    return owners.grouped(rights, lambda right: right.owner)


def _form(
    role: PracticeRole | None,
    title: str,
    note: str,
    ticked: set[str],
    refused: RoleRefused | None = None,
    *,
    is_stale: bool = False,
) -> Markup:
    values: dict[str, Any] = {"title": title, "note": note}
    return render(
        "admin/role.html",
        role=role,
        values=values,
        ticked=ticked | {"core.work"},
        groups=_groups(),
        errors={refused.field: refused.message} if refused else {},
        seen=conflicts.seen(_stored(role.key), None if is_stale else request.form) if role else None,
        is_stale=is_stale,
    )
