"""Messages to those who work in a practice: by e-mail, through the same outbox, under the practice's name.

They are about a person's own sign-in, so they are urgent: they pass quiet hours and whatever queues before them. No
practice puts them in its own words: they carry keys to accounts that reach beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from core import db, tenancy
from core.i18n import _l, use_language, use_time_zone
from core.notifications import service
from core.notifications.errors import NotificationError
from core.notifications.models import Notification
from core.notifications.templates import Template

log = structlog.get_logger(__name__)

_NAME: Final = _l("Name of the person")
_PRACTICE: Final = _l("Name of the practice")
_WHEN: Final = _l("When it was")
_GIVE_UP_AFTER: Final = timedelta(hours=12)

INVITATION: Final = Template(
    name="core.staff_invitation",
    title=_l("Invitation of a colleague"),
    subject=_l("{inviter} invites you to {practice}"),
    text=_l(
        "Hello {name},\n\n{inviter} invites you to work with {practice} in Careroom. The link opens a page on which "
        "you choose a password.\n\n{link}\n\nThe link is meant for you alone and works once, for {days} days. If you "
        "did not expect it, you need not do anything."
    ),
    variables={
        "practice": _PRACTICE,
        "name": _NAME,
        "inviter": _l("Who invites"),
        "link": _l("The link"),
        "days": _l("How many days the link works"),
    },
    channels=("email",),
    action=_l("Accept the invitation"),
    urgent=True,
    rewordable=False,
)
PASSWORD_RESET: Final = Template(
    name="core.password_reset",
    title=_l("Link for a new password"),
    subject=_l("Choose a new password"),
    text=_l(
        "Hello {name},\n\nsomebody asked for a new password for your account in Careroom. If it was you, choose one "
        "here:\n\n{link}\n\nThe link works once, for {minutes} minutes. If it was not you, you need not do anything: "
        "your password stays as it is."
    ),
    variables={"name": _NAME, "link": _l("The link"), "minutes": _l("How many minutes the link works")},
    channels=("email",),
    action=_l("Choose a new password"),
    urgent=True,
    rewordable=False,
)
NEW_DEVICE: Final = Template(
    name="core.new_device",
    title=_l("Sign-in on a new device"),
    subject=_l("Your account was used on a new device"),
    text=_l(
        "Hello {name},\n\nyour account was used to sign in on a device that we had not seen before: {device}, "
        "{when}.\n\nIf it was you, all is well. If not, change your password at once: under Your account you can also "
        "sign every other device out."
    ),
    variables={"name": _NAME, "device": _l("Which device"), "when": _WHEN},
    channels=("email",),
    urgent=True,
    rewordable=False,
)
SIGN_IN_CHANGED: Final = Template(
    name="core.sign_in_changed",
    title=_l("Change of the sign-in"),
    subject="{what}",
    text=_l(
        "Hello {name},\n\n{what}. It was done in your account in Careroom, {when}.\n\nIf it was you, all is well. If "
        "not, ask for a new password on the sign-in page at once and tell the person who runs Careroom in your "
        "practice."
    ),
    variables={"name": _NAME, "what": _l("What was changed"), "when": _WHEN},
    channels=("email",),
    urgent=True,
    rewordable=False,
)
SIGN_IN_PAUSED: Final = Template(
    name="core.sign_in_paused",
    title=_l("Sign-in paused after wrong passwords"),
    subject=_l("Your account is paused for a quarter of an hour"),
    text=_l(
        "Hello {name},\n\na wrong password or code was entered for your account many times in a row, {when}. To keep "
        "others out it is paused for 15 minutes.\n\nIf it was you, wait a little, or ask for a new password on the "
        "sign-in page. If not, somebody knows your user name; a second factor under Your account keeps them out even "
        "if they find your password."
    ),
    variables={"name": _NAME, "when": _WHEN},
    channels=("email",),
    urgent=True,
    rewordable=False,
)
EMERGENCY_ACCESS: Final = Template(
    name="core.emergency_access",
    title=_l("Emergency access to a record"),
    subject=_l("{person} opened a record in an emergency"),
    text=_l(
        "Hello {name},\n\n{person} opened a patient's record at {practice} that is outside their role, {when}. The "
        "reason they gave, and whose record it is, are here:\n\n{link}\n\nPlease look at it and note that you have."
    ),
    variables={
        "practice": _PRACTICE,
        "name": _NAME,
        "person": _l("Who opened it"),
        "when": _WHEN,
        "link": _l("The link"),
    },
    channels=("email",),
    action=_l("Look at it"),
    urgent=True,
    rewordable=False,
)
TEMPLATES: Final = (
    INVITATION,
    PASSWORD_RESET,
    NEW_DEVICE,
    SIGN_IN_CHANGED,
    SIGN_IN_PAUSED,
    EMERGENCY_ACCESS,
)


def write_to(
    email: str,
    template: Template,
    variables: Mapping[str, object],
    *,
    language: str | None = None,
    key: str | None = None,
    give_up_after: timedelta = _GIVE_UP_AFTER,
) -> Notification | None:
    """Write an e-mail to somebody of the current practice into this transaction, in their language or the practice's.

    None when it cannot go (an address that is none, or too many messages to it): what it tells of has happened
    all the same, so the transaction goes on.
    """
    practice = tenancy.current()
    spoken = language or practice.language
    with use_language(spoken), use_time_zone(practice.time_zone):
        said = {name: str(value) for name, value in variables.items()}
    try:
        with db.savepoint():
            (row,) = service.send(
                template.name,
                patient=None,
                channels=("email",),
                variables=said,
                key=key,
                recipient=email,
                language=spoken,
                give_up_after=give_up_after,
            )
    except NotificationError as error:
        log.warning("staff_mail_not_written", template=template.name, error=type(error).__name__)
        return None
    return row
