"""The bell: what a practice's staff should know, for everybody who may see it, read by each in their own language."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, bindparam, delete, exists, func, select
from sqlalchemy.exc import IntegrityError

from core import db, tenancy
from core.i18n import LazyString, gettext
from core.notifications.models import InboxItem, InboxRead
from core.realtime import events

TOPIC: Final = "core.inbox"
_UNREAD_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as one user sees it: in the current language, with whether that user has read it."""

    id: UUID
    at: datetime
    title: str
    body: str
    url: str
    icon: str
    owner: str
    read: bool
    subject_kind: str | None
    subject_id: UUID | None
    patient_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """The bell at a glance. unread counts the items of the last 30 days, also those beyond ``entries``."""

    entries: list[Entry]
    unread: int


def notify(
    title: LazyString | str,
    *,
    url: str,
    permission: str,
    params: Mapping[str, object] | None = None,
    body: LazyString | str | None = None,
    owner: str | None = None,
    icon: str = "bell",
    subject: tuple[str, UUID] | None = None,
    key: str | None = None,
    patient_id: UUID | None = None,
) -> InboxItem:
    """Hang something under the bell of everybody in the practice who has ``permission``.

    title, body: ``_l("Photos from %(name)s", name=...)``, or a message marked with ``N_`` and its values in
    ``params``: message and values are kept apart, so that each reader has them in their language.
    url: a path below the practice ("/photo_request/requests/<id>"). subject: what it is about.
    owner: whose it is; None: the permission's. With that plugin off the item is not shown.
    patient_id: whom it names, if it names a patient: who reads it is then on the trail.
    key: at most one item of the practice has it.
    """
    if not url.startswith("/") or url.startswith("//"):
        raise ValueError("an inbox item leads to a path below the practice")
    session = db.session()
    known = _with_key(key)
    if known is not None:
        return known
    title_text, title_values = _apart(title, params)
    body_text, body_values = _apart(body, params) if body is not None else (None, {})
    item = InboxItem(
        owner=owner or tenancy.switches.owner_of(permission),
        permission=permission,
        icon=icon,
        title=title_text,
        title_values=title_values,
        body=body_text,
        body_values=body_values,
        url=url,
        key=key,
        patient_id=patient_id,
    )
    item.subject_kind, item.subject_id = subject or (None, None)
    try:
        with db.savepoint():
            session.add(item)
            session.flush()
    except IntegrityError:
        known = _with_key(key)
        if known is None:
            raise
        return known
    events.publish(TOPIC, "new", item=item.id)
    return item


def withdraw(key: str) -> bool:
    """What hangs there under ``key`` is no longer so: it goes from everybody's bell. Answers whether there was one.

    Under the same key something new may hang afterwards. Call it where the reason ends ("X is ready", once X was let
    in), so that nobody follows an item to a page where there is nothing to do.
    """
    item = _with_key(key)
    if item is None:
        return False
    session = db.session()
    session.execute(delete(InboxRead).where(InboxRead.item_id == item.id))
    session.delete(item)
    session.flush()
    events.publish(TOPIC, "withdrawn")
    return True


def items(user_id: int, permissions: Collection[str], *, limit: int = 20) -> list[Entry]:
    """The latest items that this user may see, newest first, in the current language."""
    return glance(user_id, permissions, limit=limit).entries


def glance(user_id: int, permissions: Collection[str], *, limit: int = 20) -> Glance:
    """What the bell shows: the latest items and how many are unread, in one query."""
    values = {
        "user_id": user_id,
        "permissions": sorted(permissions),
        "owners": sorted(tenancy.switches.on()),
        "newer_than": db.utcnow() - _UNREAD_FOR,
        "most": limit,
    }
    rows = db.session().execute(_GLANCE, values).all()
    place = f"/p/{tenancy.current().slug}"
    # Whatever is unread is among what may be seen: where nothing is seen, nothing is unread.
    return Glance([_entry(item, read, place) for item, read, _ in rows], rows[0][2] if rows else 0)


def unread_count(user_id: int, permissions: Collection[str]) -> int:
    """How many items of the last 30 days this user may see and has not read."""
    return (
        db.session().scalar(select(func.count()).select_from(_unread(user_id, permissions).subquery())) or 0
    )


def mark_read(user_id: int, item_ids: Iterable[UUID] | None = None, *, permissions: Collection[str]) -> int:
    """Note that this user has read these items (None: all); items that the user may not see stay untouched."""
    unread = _unread(user_id, permissions)
    if item_ids is not None:
        unread = unread.where(InboxItem.id.in_(list(item_ids)))
    ids = list(db.session().scalars(unread))
    marked = sum(_mark(item_id, user_id) for item_id in ids)
    if marked:
        # The same user may have the bell open in another window.
        events.publish(TOPIC, "read")
    return marked


def mark_subject_read(user_id: int, subject_id: UUID, *, permissions: Collection[str]) -> int:
    """The user has looked at the thing itself: its items are read."""
    ids = db.session().scalars(select(InboxItem.id).where(InboxItem.subject_id == subject_id))
    return mark_read(user_id, list(ids), permissions=permissions)


def _mark(item_id: UUID, user_id: int) -> bool:
    try:
        with db.savepoint():
            db.session().add(InboxRead(item_id=item_id, user_id=user_id))
            db.session().flush()
    except IntegrityError:
        return False  # read in another window at this moment
    return True


def _with_key(key: str | None) -> InboxItem | None:
    return db.session().scalar(select(InboxItem).where(InboxItem.key == key)) if key is not None else None


def _unread(user_id: int, permissions: Collection[str]) -> Any:
    read = exists().where(InboxRead.item_id == InboxItem.id, InboxRead.user_id == user_id)
    return select(InboxItem.id).where(
        *_visible(permissions), InboxItem.created_at > db.utcnow() - _UNREAD_FOR, ~read
    )


def _visible(permissions: Collection[str]) -> Sequence[ColumnElement[bool]]:
    return InboxItem.permission.in_(sorted(permissions)), InboxItem.owner.in_(sorted(tenancy.switches.on()))


def _glance() -> Select[InboxItem, bool, int]:
    """What glance() asks. Made once: the bell is on every page."""
    user_id = bindparam("user_id", type_=Integer)
    visible = (
        InboxItem.permission.in_(bindparam("permissions", expanding=True)),
        InboxItem.owner.in_(bindparam("owners", expanding=True)),
    )
    read = exists().where(InboxRead.item_id == InboxItem.id, InboxRead.user_id == user_id)
    fresh = InboxItem.created_at > bindparam("newer_than", type_=db.UtcDateTime)
    unread = select(InboxItem.id).where(*visible, fresh, ~read).subquery()
    return (
        select(InboxItem, read, select(func.count()).select_from(unread).scalar_subquery())
        .where(*visible)
        .order_by(InboxItem.created_at.desc(), InboxItem.id.desc())
        .limit(bindparam("most", type_=Integer))
    )


_GLANCE: Final = _glance()


def _entry(item: InboxItem, read: bool, place: str) -> Entry:
    return Entry(
        id=item.id,
        at=item.created_at,
        title=gettext(item.title, **item.title_values),
        body=gettext(item.body, **item.body_values) if item.body else "",
        url=place + item.url,
        icon=item.icon,
        owner=item.owner,
        read=bool(read),
        subject_kind=item.subject_kind,
        subject_id=item.subject_id,
        patient_id=item.patient_id,
    )


def _apart(text: LazyString | str, params: Mapping[str, object] | None) -> tuple[str, dict[str, Any]]:
    message, values = text.__reduce__()[1] if isinstance(text, LazyString) else (str(text), {})
    every = {**values, **(params or {})}
    return message, {name: v if isinstance(v, (int, float, str)) else str(v) for name, v in every.items()}
