"""Links: the patient's key. Random, stored hashed, expiring, revocable; opening one has no side effects.

``links.issue(purpose, patient_id, subject_id)`` makes one; ``links.check_birth_date`` lets its patient in.
"""

from core.jobs import Job
from core.links import policies, purposes
from core.links.changes import LOCKS_TOPIC, LinkChange, on_changed
from core.links.errors import LinkClosed, LinkError, LinkNotFound
from core.links.identity import MAX_TRIES, check_birth_date, enter
from core.links.locks import count_locked, locked, locked_links
from core.links.models import Link
from core.links.purposes import LinkPurpose, Welcome
from core.links.service import (
    FoundLink,
    IssuedLink,
    cancel,
    complete,
    default_days,
    example_url,
    find,
    get,
    issue,
    of_subject,
    prolong,
    reissue,
    unlock,
)
from core.links.state import OPEN_STATES, LinkState, state

JOBS: tuple[Job, ...] = ()  # a link's expiry is read from the clock: nothing has to run

__all__ = [
    "JOBS",
    "LOCKS_TOPIC",
    "MAX_TRIES",
    "OPEN_STATES",
    "FoundLink",
    "IssuedLink",
    "Link",
    "LinkChange",
    "LinkClosed",
    "LinkError",
    "LinkNotFound",
    "LinkPurpose",
    "LinkState",
    "Welcome",
    "cancel",
    "check_birth_date",
    "complete",
    "count_locked",
    "default_days",
    "enter",
    "example_url",
    "find",
    "get",
    "issue",
    "locked",
    "locked_links",
    "of_subject",
    "on_changed",
    "policies",
    "prolong",
    "purposes",
    "reissue",
    "state",
    "unlock",
]
