"""Who else works in the practice: to hand something over to somebody who may do it."""

from __future__ import annotations

from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from core import db
from core.security import roles
from core.tenancy import Membership


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works in the current practice."""

    user_id: int
    name: str


def who_may(permission: str) -> list[Colleague]:
    """Everybody of the current practice who has a permission there, by family name. Two queries."""
    holders = select(Membership.user_id).where(
        Membership.practice_id == db.practice_id(), Membership.role.in_(roles.holders_of(permission))
    )
    found = db.session().execute(
        select(User.id, User.first_name, User.last_name, User.username)
        .where(User.id.in_(holders), User.active.is_(True))
        .order_by(func.lower(User.last_name), func.lower(User.first_name), User.id)
    )
    return [
        Colleague(row.id, f"{row.first_name or ''} {row.last_name or ''}".strip() or row.username)
        for row in found
    ]
