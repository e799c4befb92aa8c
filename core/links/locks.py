"""Links that wrong dates of birth have locked and that somebody of the practice may unlock."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select

from core import db, tenancy
from core.links import purposes
from core.links.models import Link


def locked() -> Sequence[ColumnElement[bool]]:
    """Which links are locked now and would go on if they were not, for queries; of plugins that are on here."""
    names = [
        one.name
        for one in purposes.registered()
        if tenancy.switches.is_on(tenancy.switches.owner_of(one.name))
    ]
    reusable = [name for name in names if purposes.is_reusable(name)]
    return (
        Link.locked_at.is_not(None),
        Link.cancelled_at.is_(None),
        Link.expires_at > db.utcnow(),
        Link.purpose.in_(names),
        or_(Link.completed_at.is_(None), Link.purpose.in_(reusable)),
    )


def locked_links(limit: int, offset: int = 0) -> list[Link]:
    """The locked links of the current practice, the latest first."""
    query = select(Link).where(*locked()).order_by(Link.locked_at.desc(), Link.id.desc())
    return list(db.session().scalars(query.limit(limit).offset(offset)))


def count_locked() -> int:
    """How many there are."""
    return db.session().scalar(select(func.count(Link.id)).where(*locked())) or 0
