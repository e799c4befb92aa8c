"""The identity check behind a link: a date of birth, few tries, then a lock that staff can lift."""

from __future__ import annotations

import hmac
from datetime import date
from typing import Final

from sqlalchemy import update

from core import db
from core.links import changes, policies, purposes
from core.links.errors import LinkClosed, LinkNotFound
from core.links.models import Link
from core.links.state import OPEN_STATES, state
from core.patients import Patient

MAX_TRIES: Final = policies.USUAL_TRIES
"""Wrong dates of birth that lock a link when the practice says nothing."""


def check_birth_date(link: Link, birth_date: date) -> bool:
    """Is this the patient's date of birth? Each call uses up a try; the last wrong one locks the link.

    That is the fifth, unless the practice says otherwise for this purpose. A right answer gives all tries back.
    Raises LinkClosed when the link is in no state to be opened, also when it was locked by somebody else meanwhile;
    the date is then not looked at.
    """
    if purposes.asks_nothing(link.purpose):
        raise LinkClosed(
            "unknown"
        )  # whoever holds it is not the patient and must not learn when they were born
    most = policies.tries_of(link.purpose)
    _take_try(link, most)
    patient = db.get(Patient, link.patient_id)
    if patient is None:
        raise LinkNotFound(str(link.id))
    if hmac.compare_digest(patient.birth_date.isoformat(), birth_date.isoformat()):
        _let_in(link)
        return True
    if link.failed_tries >= most:
        link.locked_at = db.utcnow()
        link.generation += 1
        db.session().flush()
        changes.note(link, "birth_date_wrong", tries=link.failed_tries)
        changes.tell(link, "locked")
    else:
        changes.note(link, "birth_date_wrong", tries=link.failed_tries)
    return False


def enter(link: Link) -> None:
    """Let somebody in without a question, where the purpose of the link asks none. Raises LinkClosed, ValueError."""
    if not purposes.asks_nothing(link.purpose):
        raise ValueError(f"a link for {link.purpose} asks for the date of birth")
    db.session().refresh(link, with_for_update=True)
    if (found := state(link)) not in OPEN_STATES:
        raise LinkClosed(found)
    _let_in(link)


def _take_try(link: Link, most: int) -> None:
    """Count the try before looking at the date: the database lets parallel guesses have no more than ``most``."""
    if (found := state(link)) not in OPEN_STATES:
        raise LinkClosed(found)
    taken = db.session().execute(
        update(Link)
        .where(Link.id == link.id, Link.failed_tries < most, Link.locked_at.is_(None))
        .where(Link.cancelled_at.is_(None))
        .values(failed_tries=Link.failed_tries + 1)
        .execution_options(synchronize_session=False)
    )
    # The row is ours until commit, whoever else was trying: what we read now stays true.
    db.session().refresh(link)
    if taken.rowcount == 0 or state(link) not in OPEN_STATES:  # type: ignore[attr-defined]
        found = state(link)
        raise LinkClosed("locked" if found in OPEN_STATES else found)


def _let_in(link: Link) -> None:
    first = link.verified_at is None
    link.failed_tries = 0
    if first:
        link.verified_at = db.utcnow()
    db.session().flush()
    if first:
        changes.tell(link, "opened")
    else:
        changes.note(link, "opened_again")
