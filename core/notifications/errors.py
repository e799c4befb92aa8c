"""What can go wrong with a message before it is stored. ``message`` is a translated sentence for a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.errors import Refused
from core.i18n import _, format_datetime


class NotificationError(Refused):
    """Base of the errors of this room."""

    code_name = "message_refused"

    http_status = 422

    def __init__(self, message: str) -> None:
        super().__init__(message, self.code_name, status=self.http_status)


class UnknownTemplate(NotificationError, LookupError):
    """No such template, or it belongs to a plugin that is off for this practice: the two look the same."""

    code_name = "unknown_template"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is no message template called “%(name)s”.", name=name))
        self.name = name


class UnknownVariable(NotificationError, ValueError):
    """A text uses a variable that its template does not declare."""

    code_name = "unknown_variable"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        choices = ", ".join(f"{{{each}}}" for each in sorted(known))
        super().__init__(
            _("“{%(name)s}” cannot be used here. You can use: %(choices)s", name=name, choices=choices)
        )
        self.name = name


class MissingVariable(NotificationError, ValueError):
    """A value that the text needs was not given, or an override leaves out what the message is for."""

    code_name = "missing_variable"

    def __init__(self, name: str) -> None:
        super().__init__(_("The text must contain “{%(name)s}”.", name=name))
        self.name = name


class EmptyText(NotificationError, ValueError):
    """An override whose text is nothing but blanks."""

    code_name = "empty_text"

    def __init__(self) -> None:
        super().__init__(_("The text is empty. Write one, or go back to the standard text."))


class GluedLink(NotificationError, ValueError):
    """Something touches the link, so that the address would be another one."""

    code_name = "glued_link"

    def __init__(self) -> None:
        super().__init__(_("Leave a space before and after “{link}”, so that the address stays whole."))


class MessageTooLong(NotificationError, ValueError):
    """A text message beyond what any provider takes."""

    code_name = "message_too_long"

    def __init__(self, characters: int, most: int) -> None:
        super().__init__(
            _(
                "This text message has %(characters)s characters. Shorten it to %(most)s or fewer.",
                characters=characters,
                most=most,
            )
        )


class WordingTooLong(NotificationError, ValueError):
    """A practice's own subject or e-mail beyond what is kept."""

    code_name = "wording_too_long"

    def __init__(self, characters: int, most: int) -> None:
        super().__init__(
            _(
                "This text has %(characters)s characters. Shorten it to %(most)s or fewer.",
                characters=characters,
                most=most,
            )
        )


class RecipientError(NotificationError, ValueError):
    """Nobody can be reached this way. ``channel`` is "sms" or "email"."""

    def __init__(self, channel: str, message: str) -> None:
        super().__init__(message)
        self.channel = channel


class NoRecipient(RecipientError):
    """The patient has no address for the channel, and none was given."""

    code_name = "no_recipient"

    def __init__(self, channel: str) -> None:
        super().__init__(
            channel,
            _("This patient has no mobile number. Enter one, or send an e-mail.")
            if channel == "sms"
            else _("This patient has no e-mail address. Enter one, or send a text."),
        )


class InvalidRecipient(RecipientError):
    """The address is there and is none: a number that does not exist, a landline, a malformed e-mail address."""

    code_name = "invalid_recipient"


class ConsentMissing(RecipientError):
    """The patient does not want this channel, or must be asked first. ``reason``: the code of ``reasons`` for it."""

    code_name = "consent_missing"

    def __init__(self, channel: str, message: str, reason: str) -> None:
        super().__init__(channel, message)
        self.reason = reason


class WrongState(NotificationError):
    """The message is past the point where this could be done."""

    code_name = "wrong_state"


class TooManyMessages(NotificationError):
    """This person, or this number or address, has had as many messages as we let anybody have for now.

    again_at: when the next one can go.
    """

    code_name = "too_many_messages"
    http_status = 429

    def __init__(self, again_at: datetime) -> None:
        super().__init__(
            _(
                "This patient has been sent many messages in a short time, so this one was not sent. Please wait until "
                "%(time)s, or telephone the patient.",
                time=format_datetime(again_at),
            )
        )
        self.again_at = again_at
