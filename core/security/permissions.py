"""Permissions: who may do what in the current practice.

Ours are named "<owner>.<verb>" ("photo_request.view"). Flask-AppBuilder keeps a permission ("can_view") on a view
("photo_request"); the two names say the same. Roles come from the membership in the current practice, and from
the platform for operators.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Protocol, TypeVar

from flask import g, has_request_context
from flask_appbuilder.security.sqla.models import Permission as FabPermission
from flask_appbuilder.security.sqla.models import PermissionView, Role, User, ViewMenu
from flask_login import current_user
from sqlalchemy import ColumnElement, Integer, Select, Uuid, bindparam, false, or_, select
from sqlalchemy.exc import IntegrityError

from core import audit, db, plugin_system
from core.security import sessions
from core.security.core_permissions import CORE_PERMISSIONS
from core.tenancy import OPERATOR, ROLES, Membership

_PREFIX = "can_"
Row = TypeVar("Row", FabPermission, ViewMenu, PermissionView, Role)


class Declared(Protocol):
    """What a manifest says of a permission."""

    @property
    def name(self) -> str: ...

    @property
    def roles(self) -> tuple[str, ...]: ...


def declared() -> list[Declared]:
    """Every permission of the core and of the installed plugins."""
    return [*CORE_PERMISSIONS, *(item for plugin in plugin_system.registry for item in plugin.permissions)]


def split(name: str) -> tuple[str, str]:
    """Flask-AppBuilder's (permission, view) for our name: ("can_view", "photo_request")."""
    owner, _, verb = name.partition(".")
    return f"{_PREFIX}{verb}", owner


def join(permission: str, view: str) -> str:
    """Our name for Flask-AppBuilder's pair."""
    return f"{view}.{permission.removeprefix(_PREFIX)}"


# --- asking ------------------------------------------------------------------------------------------------------


def can(permission: str) -> bool:
    """May the current person do this in the current practice? A patient, or nobody signed in, may nothing."""
    return permission in current_permissions()


def current_permissions() -> frozenset[str]:
    """All that the current person may do in the current practice. One query a request."""
    if not has_request_context() or audit.actor().kind == "patient" or not current_user.is_authenticated:
        return frozenset()
    practice_id = db.practice_id() if db.has_practice() else None
    known: dict[Any, frozenset[str]] = g.setdefault("permissions_of", {})
    key = (current_user.id, practice_id)
    if key not in known:
        known[key] = permissions_of(current_user.id)
    return known[key]


def permissions_of(user_id: int) -> frozenset[str]:
    """All that a user may do in the scope's practice; outside any, what the platform lets them do."""
    practice_id = db.practice_id() if db.has_practice() else None
    values = {"user_id": user_id} if practice_id is None else {"user_id": user_id, "practice_id": practice_id}
    query = _permissions(in_practice=practice_id is not None, with_platform=_has_platform(user_id))
    found = db.session().execute(query, values)
    return frozenset(join(permission, view) for permission, view in found.all())


@cache
def _permissions(*, in_practice: bool, with_platform: bool) -> Select[str, str]:
    """Made once: every request of staff asks it."""
    return (
        select(FabPermission.name, ViewMenu.name)
        .select_from(Role)
        .join(Role.permissions)
        .join(PermissionView.permission)
        .join(PermissionView.view_menu)
        .where(
            _held(
                bindparam("user_id", type_=Integer),
                bindparam("practice_id", type_=Uuid) if in_practice else None,
                with_platform=with_platform,
            )
        )
    )


def held_roles(user_id: int) -> ColumnElement[bool]:
    """The condition on Role: a global role of this user, or that of a membership in the current practice."""
    practice_id = db.practice_id() if db.has_practice() else None
    return _held(user_id, practice_id, with_platform=_has_platform(user_id))


def _has_platform(user_id: int) -> bool:
    """Does the platform's role count? Not in a session that a practice's provider made: the practice runs that."""
    here = has_request_context() and current_user.is_authenticated and current_user.id == user_id
    return not (here and sessions.is_partial())


def _held(user_id: Any, practice_id: Any, *, with_platform: bool) -> ColumnElement[bool]:
    # A global role counts only when it is the platform's: a "clinician" without a practice is nobody anywhere.
    of_platform: ColumnElement[bool] = (
        (Role.name == OPERATOR) & Role.user.any(User.id == user_id) if with_platform else false()
    )
    if practice_id is None:
        return of_platform
    of_practice = Role.name.in_(
        select(Membership.role).where(
            Membership.user_id == user_id,
            Membership.practice_id == practice_id,
            Membership.role != OPERATOR,
        )
    )
    return or_(of_platform, of_practice)


# --- writing, in the migrate step --------------------------------------------------------------------------------


def sync_permissions(permissions: Iterable[Declared]) -> None:
    """Write roles and permissions as declared; a starting role then has exactly what is declared for it.

    Two processes may do so at once: rows that the other made meanwhile are taken as they are.
    """
    declared_now = list(permissions)
    for role in ROLES:
        _find_or_make(Role, name=role)
    # Who comes second waits here and then sees what the first has written.
    roles = db.session().scalars(
        select(Role)
        .where(Role.name.in_(ROLES))
        .order_by(Role.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = {item.name: _permission_view(item.name) for item in declared_now}
    for role in roles.all():
        role.permissions = [rows[item.name] for item in declared_now if role.name in item.roles]
    db.session().flush()


def _permission_view(name: str) -> PermissionView:
    permission, view = split(name)
    permission_id = _find_or_make(FabPermission, name=permission).id
    view_id = _find_or_make(ViewMenu, name=view).id
    return _find_or_make(PermissionView, permission_id=permission_id, view_menu_id=view_id)


def _find_or_make(model: type[Row], **values: Any) -> Row:
    query = select(model).filter_by(**values)
    found = db.session().scalars(query).unique().one_or_none()
    if found is not None:
        return found
    try:
        with db.savepoint():
            made = model(**values)
            db.session().add(made)
            db.session().flush()
    except IntegrityError:
        return db.session().scalars(query).unique().one()
    return made
