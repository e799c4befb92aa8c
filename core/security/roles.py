"""Roles within a practice: those that every practice starts with, and those that it has made itself.

A practice's own role is a role of Flask-AppBuilder that is called by a random number, so that memberships and
permissions work for it as for any other; its title is in the practice's profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from flask_appbuilder.security.sqla.models import Permission as FabPermission
from flask_appbuilder.security.sqla.models import PermissionView, Role, User, ViewMenu
from sqlalchemy import func, select

from core import audit, db, tenancy
from core.errors import Refused
from core.i18n import _, _l
from core.security import permissions
from core.security.models import Invitation
from core.tenancy import CLINICIAN, OPERATOR, PRACTICE_ADMIN, RECEPTIONIST, Membership

STARTING: Final = (PRACTICE_ADMIN, CLINICIAN, RECEPTIONIST)
MANAGE_STAFF: Final = "core.manage_staff"
MOST: Final = 30
_KEY: Final = "roles"

audit.describe(
    {
        "role.made": _l("Role made"),
        "role.changed": _l("Role changed"),
        "role.deleted": _l("Role deleted"),
    }
)


class RoleRefused(Refused):
    """This cannot be done with a role; ``field`` is that of the form it is about."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, "role_refused", status=422)
        self.field = field


@dataclass(frozen=True, slots=True)
class PracticeRole:
    """A role as a practice sees it. key: what a membership holds; is_own: the practice has made it."""

    key: str
    title: str
    note: str
    permissions: frozenset[str]
    members: int
    is_own: bool


def starting_titles() -> dict[str, str]:
    """The starting roles in words."""
    return {
        PRACTICE_ADMIN: _("Practice administrator"),
        CLINICIAN: _("Clinician"),
        RECEPTIONIST: _("Receptionist"),
    }


def titles() -> dict[str, str]:
    """Every role that somebody can have in the current practice, in words."""
    return {**starting_titles(), **{key: str(kept["title"]) for key, kept in _own().items()}}


def all_roles() -> list[PracticeRole]:
    """The roles of the current practice, the starting ones first. Three queries."""
    known, own = titles(), _own()
    allowed = _permissions_of(list(known))
    counted = select(Membership.role, func.count()).where(Membership.practice_id == db.practice_id())
    members = dict(db.session().execute(counted.group_by(Membership.role)).all())
    return [
        PracticeRole(
            key,
            title,
            str(own.get(key, {}).get("note", "")),
            allowed.get(key, frozenset()),
            members.get(key, 0),
            key in own,
        )
        for key, title in sorted(known.items(), key=lambda item: (item[0] in own, _place(item[0]), item[1]))
    ]


def get(key: str) -> PracticeRole:
    """One of them. Raises LookupError."""
    found = next((role for role in all_roles() if role.key == key), None)
    if found is None:
        raise LookupError("no such role in this practice")
    return found


def is_known(key: str) -> bool:
    """Can somebody have this role in the current practice?"""
    return key in STARTING or (db.has_practice() and key in _own())


def holders_of(permission: str) -> list[str]:
    """The roles of the current practice that include a permission."""
    return [key for key, allowed in _permissions_of(list(titles())).items() if permission in allowed]


def grantable() -> list[Any]:
    """Every permission that a practice may give, as declared: not those of the platform alone."""
    return [item for item in permissions.declared() if set(item.roles) != {OPERATOR}]


def make(title: str, note: str, allowed: Iterable[str]) -> str:
    """Make a role for the current practice; answers its key. Raises RoleRefused."""
    tenancy.held()
    title, note = _checked(title, note, None)
    if len(_own()) >= MOST:
        raise RoleRefused("title", _("A practice has at most %(most)s roles of its own.", most=MOST))
    made = db.uuid7()
    wanted = _wanted(allowed)
    db.session().add(Role(name=made.hex, permissions=_rows(wanted)))
    db.session().flush()
    _keep(made.hex, {"title": title, "note": note})
    audit.record(
        "role.made", subject=("core.role", made), detail={"title": title, "permissions": _said(wanted)}
    )
    return made.hex


def change(key: str, title: str, note: str, allowed: Iterable[str]) -> None:
    """Change one of the practice's own. Raises RoleRefused, LookupError."""
    tenancy.held()
    before = get(key)
    if not before.is_own:
        raise RoleRefused("title", _("This role is the same in every practice. Copy it to change it."))
    title, note = _checked(title, note, key)
    wanted = _wanted(allowed)
    if MANAGE_STAFF in before.permissions and MANAGE_STAFF not in wanted:
        keep_a_manager(without_role=key)
    row = db.session().scalars(select(Role).where(Role.name == key)).unique().one()
    row.permissions = _rows(wanted)
    _keep(key, {"title": title, "note": note})
    audit.record(
        "role.changed",
        detail={
            "title": title,
            "given": _said(wanted - before.permissions),
            "taken": _said(before.permissions - wanted),
        },
    )


def delete(key: str) -> None:
    """Delete one of the practice's own that nobody has. Raises RoleRefused, LookupError."""
    tenancy.held()  # so that nobody is given it between the look and the deed
    found = get(key)
    if not found.is_own:
        raise RoleRefused("title", _("This role is the same in every practice. It cannot be deleted."))
    if found.members:
        raise RoleRefused("title", _("Somebody has this role. Give them another one first."))
    invited = select(Invitation.id).where(
        Invitation.role == key, Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None)
    )
    if db.session().scalar(invited.limit(1)) is not None:
        raise RoleRefused("title", _("Somebody is invited with this role. Withdraw the invitation first."))
    row = db.session().scalars(select(Role).where(Role.name == key)).unique().one()
    row.permissions = []
    db.session().flush()
    db.session().delete(row)
    _keep(key, None)
    audit.record("role.deleted", detail={"title": found.title})


def keep_a_manager(*, without_user: int | None = None, without_role: str | None = None) -> None:
    """Would somebody still be there who can manage staff? Raises RoleRefused when not.

    Holds the practice's row, so that two who take each other's role away at once do not both succeed.
    """
    session = db.session()
    session.execute(
        select(tenancy.Practice.id).where(tenancy.Practice.id == db.practice_id()).with_for_update()
    )
    managing = [role for role in holders_of(MANAGE_STAFF) if role != without_role]
    found = session.scalar(
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.practice_id == db.practice_id(), Membership.role.in_(managing))
        .where(User.active.is_(True))  # whose account is closed manages nobody
        .where(Membership.user_id != (without_user if without_user is not None else -1))
        .limit(1)
    )
    if found is None:
        raise RoleRefused(
            "roles",
            _("Nobody else in your practice could manage staff then. Give somebody else that role first."),
        )


def _own() -> dict[str, dict[str, Any]]:
    found = tenancy.current().profile.get(_KEY)
    return dict(found) if isinstance(found, dict) else {}


def _keep(key: str, said: dict[str, Any] | None) -> None:
    """Keep what is said of one of the practice's own; None: it is gone."""
    practice = tenancy.held()
    own = {name: kept for name, kept in _own().items() if name != key}
    if said is not None:
        own[key] = said
    practice.profile = {**practice.profile, _KEY: own}


def _place(key: str) -> int:
    return STARTING.index(key) if key in STARTING else len(STARTING)


def _permissions_of(keys: list[str]) -> dict[str, frozenset[str]]:
    query = (
        select(Role.name, FabPermission.name, ViewMenu.name)
        .select_from(Role)
        .join(Role.permissions)
        .join(PermissionView.permission)
        .join(PermissionView.view_menu)
        .where(Role.name.in_(keys))
    )
    found: dict[str, set[str]] = {}
    for role, permission, view in db.session().execute(query).all():
        found.setdefault(role, set()).add(permissions.join(permission, view))
    return {role: frozenset(names) for role, names in found.items()}


def _checked(title: str, note: str, key: str | None) -> tuple[str, str]:
    title, note = " ".join(title.split()), " ".join(note.split())
    if not title:
        raise RoleRefused("title", _("Fill this in."))
    if len(title) > 60:
        raise RoleRefused("title", _("This is too long: use at most %(most)s characters.", most=60))
    if len(note) > 200:
        raise RoleRefused("note", _("This is too long: use at most %(most)s characters.", most=200))
    if any(known.casefold() == title.casefold() for name, known in titles().items() if name != key):
        raise RoleRefused("title", _("There is a role of this name already."))
    return title, note


def _wanted(allowed: Iterable[str]) -> frozenset[str]:
    """Those of the asked that a practice may give; whoever may do anything may sign in."""
    known = {item.name for item in grantable()}
    return frozenset(name for name in allowed if name in known) | {"core.work"}


def _rows(names: frozenset[str]) -> list[PermissionView]:
    query = select(PermissionView).join(PermissionView.permission).join(PermissionView.view_menu)
    found = db.session().scalars(query).unique()
    return [row for row in found if permissions.join(row.permission.name, row.view_menu.name) in names]


def _said(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
