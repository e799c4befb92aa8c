"""Who gets a message: the patient's own address, or one given for this message alone."""

from __future__ import annotations

from collections.abc import Mapping

from email_validator import EmailNotValidError, validate_email

from core import settings, tenancy
from core.i18n import _
from core.notifications import ways
from core.notifications.errors import InvalidRecipient, NoRecipient
from core.notifications.models import Channel
from core.patients import InvalidPhone, Patient
from core.patients.phones import parse_mobile

OneOff = str | Mapping[Channel, str] | None


def resolve(channel: Channel, patient: Patient | None, one_off: OneOff = None) -> str:
    """The checked address for a channel: E.164 or an e-mail address.

    one_off: used for this message instead of the patient's own, which stays as it is; a mapping gives one per
    channel. Raises NoRecipient when there is none, InvalidRecipient when it is not one, and ConsentMissing.
    """
    ways.check_consent(channel, patient)
    given = one_off if isinstance(one_off, str) else (one_off or {}).get(channel)
    if given is None or not given.strip():
        if patient is None:
            raise NoRecipient(channel)
        given = patient.mobile if channel == "sms" else patient.email
    if not given:
        raise NoRecipient(channel)
    return _mobile(given) if channel == "sms" else _email(given)


def _mobile(text: str) -> str:
    try:
        return parse_mobile(text.strip(), tenancy.current().country)
    except InvalidPhone as error:
        raise InvalidRecipient("sms", error.message) from None


def _email(text: str) -> str:
    try:
        # No look-up in the DNS: it would be network I/O inside a transaction, and the mail server knows better.
        checked = validate_email(
            text.strip(), check_deliverability=False, test_environment=settings.current().is_open_house
        )
    except EmailNotValidError:
        raise InvalidRecipient(
            "email", _("This is not an e-mail address. Check it, for example name@example.com.")
        ) from None
    return checked.normalized
