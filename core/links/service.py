"""Links that patients follow: issue, find, close, issue again. The identity check is in :mod:`core.links.identity`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from core import db, settings
from core.links import changes, policies, tokens
from core.links.errors import LinkNotFound
from core.links.models import Link
from core.links.state import state

MAX_DAYS = policies.MAX_DAYS


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new link and the address to put into the message: the only place where its token is ever readable."""

    link: Link
    url: str


@dataclass(frozen=True, slots=True)
class FoundLink:
    """Where the link of a token lives."""

    practice_id: UUID
    link_id: UUID


def issue(purpose: str, patient_id: UUID, subject_id: UUID, *, days: int | None = None) -> IssuedLink:
    """Make a link. days: how long it lives; else what the practice says, else the settings. Raises ValueError."""
    if "." not in purpose:
        raise ValueError(f"{purpose!r} is no purpose: it reads owner.what_for")
    if days is None:
        days = policies.days_of(purpose)
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"a link lives 1 to {MAX_DAYS} days")
    token = tokens.new_token()
    link = Link(
        id=db.uuid7(),
        purpose=purpose,
        patient_id=patient_id,
        subject_id=subject_id,
        token_hash=tokens.digest(token),
        expires_at=db.utcnow() + timedelta(days=days),
    )
    db.session().add(link)
    db.session().flush()
    changes.note(link, "issued", days=days)
    return IssuedLink(link, f"{settings.current().base_url}/l/{token}")


def default_days() -> int:
    """How many days a link lives when whoever issues it says nothing: the practice's word, else the settings'."""
    return policies.days_of()


def example_url() -> str:
    """An address exactly as long as a real link's that opens nothing: for previews of messages."""
    return f"{settings.current().base_url}/l/{'x' * tokens.LENGTH}"


def reissue(link_id: UUID, *, days: int | None = None) -> IssuedLink:
    """Send again: a new link for the same thing; the old one is cancelled if it was still open. Raises LinkNotFound."""
    old = _locked(link_id)
    if state(old) not in ("cancelled", "used"):
        _cancel(old)
    return issue(old.purpose, old.patient_id, old.subject_id, days=days)


def find(token: str) -> FoundLink | None:
    """Which link has this token, in whatever practice; in a read-only scope of its own. Changes nothing."""
    if not tokens.is_token(token):
        return None
    with db.scope(write=False, across_practices=True) as session:
        row = session.execute(
            select(Link.practice_id, Link.id).where(Link.token_hash == tokens.digest(token))
        ).one_or_none()
    return FoundLink(row.practice_id, row.id) if row else None


def get(link_id: UUID) -> Link:
    """A link of the current practice. Raises LinkNotFound."""
    link = db.get(Link, link_id)
    if link is None:
        raise LinkNotFound(str(link_id))
    return link


def of_subject(subject_id: UUID) -> list[Link]:
    """The links about one thing, newest first."""
    return list(
        db.session().scalars(
            select(Link).where(Link.subject_id == subject_id).order_by(Link.created_at.desc(), Link.id.desc())
        )
    )


def cancel(link_id: UUID) -> Link:
    """Close a link for good and show out whoever is inside. On a closed one nothing happens. Raises LinkNotFound."""
    link = _locked(link_id)
    if state(link) not in ("cancelled", "used"):
        _cancel(link)
    return link


def _cancel(link: Link) -> None:
    link.cancelled_at = db.utcnow()
    link.generation += 1
    db.session().flush()
    changes.tell(link, "cancelled")


def prolong(link_id: UUID, until: datetime) -> Link:
    """The link works until then at least, so that whoever is inside is not shown out. Raises LinkNotFound."""
    link = _locked(link_id)
    if link.expires_at < until:
        link.expires_at = until
        db.session().flush()
    return link


def complete(link_id: UUID) -> Link:
    """The patient has done what the link was for. On a completed one nothing happens. Raises LinkNotFound."""
    link = _locked(link_id)
    if link.completed_at is None:
        link.completed_at = db.utcnow()
        db.session().flush()
        changes.tell(link, "completed")
    return link


def unlock(link_id: UUID) -> Link:
    """Lift a lock and give all tries back. On a link that is not locked nothing happens. Raises LinkNotFound."""
    link = _locked(link_id)
    if link.locked_at is not None:
        link.locked_at, link.failed_tries = None, 0
        db.session().flush()
        changes.tell(link, "unlocked")
    return link


def _locked(link_id: UUID) -> Link:
    """The link with its row held until commit, as it is now and not as it was read before."""
    link = db.session().scalar(
        select(Link).where(Link.id == link_id).with_for_update().execution_options(populate_existing=True)
    )
    if link is None:
        raise LinkNotFound(str(link_id))
    return link
