"""Why a message was not sent or did not arrive, in words for the practice."""

from __future__ import annotations

from typing import Final

from core.i18n import LazyString, _l

REASONS: Final[dict[str, LazyString]] = {
    # the recipient
    "recipient_invalid": _l("The provider says that this number or address does not exist."),
    "recipient_refused": _l("The recipient's mail server refused this address."),
    "recipient_not_mobile": _l("This number cannot receive texts."),
    "recipient_opted_out": _l("The recipient has asked for no more texts from this number."),
    "consent_refused": _l("The patient does not want messages of this kind."),
    "consent_unknown": _l("Nobody has asked the patient yet, and your practice writes only with consent."),
    "recipient_unreachable": _l("The recipient's phone could not be reached."),
    "recipient_blocked": _l("The recipient's network or phone blocked the message."),
    "region_not_allowed": _l("Texts to this country are not switched on at the provider."),
    # the message
    "message_refused": _l("The provider refused the message because of its content."),
    "message_too_long": _l("The message is too long for the provider."),
    "message_expired": _l("The message waited until it was of no use any more."),
    # the provider
    "provider_unreachable": _l("The provider cannot be reached at the moment."),
    "provider_timeout": _l("The provider did not answer in time."),
    "provider_busy": _l("The provider asked us to slow down."),
    "provider_error": _l("The provider had a fault."),
    "provider_garbled": _l("The provider's answer could not be understood."),
    "provider_settings": _l(
        "The provider does not accept our sign-in or sender. Please tell your support team."
    ),
    "provider_unknown": _l("The provider could not deliver the message and gave no reason."),
    "owner_off": _l("The plugin that this message belongs to is switched off."),
    "practice_suspended": _l("It waits while the practice is suspended."),
    # the practice's own rules
    "throttled": _l("It waits for its turn: your practice sends a limited number of messages a minute."),
    "quiet_hours": _l("It waits for the end of your practice's quiet hours."),
    "budget_spent": _l(
        "Your practice's budget for texts is used up for this month. A practice administrator can raise it."
    ),
    "internal": _l("Something went wrong on our side. It has been logged."),
}

_UNKNOWN: Final = REASONS["provider_unknown"]


def reason(code: str | None) -> str:
    """The sentence for a code of ``Notification.last_error``, in the current language; "" for none."""
    return str(REASONS.get(code, _UNKNOWN)) if code else ""
