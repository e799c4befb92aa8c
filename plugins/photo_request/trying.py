"""Trying the settings: the invitation goes to a number or address that the admin types, and says that it is a test."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from core.sdk import Refused, SettingsTest, _, _l, i18n, links, notifications, own_scope, tenancy
from plugins.photo_request import messages


def send_invitation(settings: BaseModel, to: str) -> str:
    """Send the invitation as a patient would get it, but for its link, which opens nothing. Raises Refused."""
    if not to:
        raise Refused(_("Enter a mobile number or an e-mail address."), "no_recipient", status=422)
    channel: notifications.Channel = "email" if "@" in to else "sms"
    with own_scope():
        language = tenancy.current().language
        values = notifications.samples.sample_values(
            notifications.templates.find(messages.INVITATION), language, link=links.example_url()
        )
        with i18n.use_language(language):
            values["note"] = _("This is a test: the link opens nothing.")
        (sent,) = notifications.send(
            messages.INVITATION,
            patient=None,
            channels=(channel,),
            recipient=to,
            variables=values,
            key=None,
        )
        recipient = sent.recipient
    shown = i18n.format_phone(recipient) if channel == "sms" else recipient
    return _("The invitation is on its way to %(recipient)s.", recipient=shown)


TESTS: Final = (
    SettingsTest(
        "invitation",
        _l("Send me the invitation"),
        send_invitation,
        ask=_l("Mobile number or e-mail address"),
        help=_l("You get the message that a patient would get. A text may cost money."),
    ),
)
