"""Why somebody may not open something: which right it takes, in words, and who in the practice can give it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import db, plugin_system, tenancy
from core.i18n import _
from core.security import roles
from core.security.core_permissions import CORE_PERMISSIONS
from core.tenancy import Membership


@dataclass(frozen=True, slots=True)
class Denial:
    """right: what the person would need, in words; from_whom: the names of those who can give it."""

    right: str
    from_whom: list[str]

    @property
    def sentence(self) -> str:
        """The same as a person reads it."""
        said = _(
            "It takes a right that your role in this practice does not have: “%(right)s”.", right=self.right
        )
        if not self.from_whom:
            return said
        return f"{said} " + _("If you need it for your work, ask %(names)s.", names=", ".join(self.from_whom))


def of(permission: str | None) -> Denial | None:
    """What to say to somebody who lacks a permission of the current practice; None where there is nothing to say."""
    if permission is None or g.get("practice") is None or not db.in_scope():
        return None
    declared = [
        *CORE_PERMISSIONS,
        *(item for plugin in plugin_system.registry for item in plugin.permissions),
    ]
    right = next((str(item.title) for item in declared if item.name == permission), "")
    return Denial(right, administrators()) if right else None


def administrators() -> list[str]:
    """The names of those who can give a right in the current practice, whatever their role is called."""
    return holders(roles.MANAGE_STAFF)


def holders(permission: str) -> list[str]:
    """The names of those in the current practice whose roles include a permission."""
    here = select(Membership.user_id).where(
        Membership.practice_id == tenancy.current().id, Membership.role.in_(roles.holders_of(permission))
    )
    users = db.session().scalars(
        select(User)
        .where(User.id.in_(here), User.active.is_(True))
        .order_by(User.last_name, User.first_name, User.id)
    )
    return [user.get_full_name() for user in users]
