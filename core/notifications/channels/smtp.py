"""E-mail by SMTP."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from core.db import utcnow
from core.notifications.channels.base import NotNow, Outgoing, Receipt, Rejected
from core.settings import Settings

NAME: Final = "smtp"
_BAD_GREETING: Final = -1


class Smtp:
    """One connection a message: practices send little, and a connection that is kept goes stale unseen."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def deliver(self, message: Outgoing) -> Receipt:
        mail = compose(message, self._settings.mail_from)
        try:
            connection = self._connect()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _before_handing_over(error) from None
        try:
            connection.send_message(mail, from_addr=self._settings.mail_from, to_addrs=[message.recipient])
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failure(error) from None
        finally:
            # It was taken or it was not: how the server says goodbye changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
                connection.quit()
            connection.close()
        return Receipt(NAME, str(mail["Message-ID"]))

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        where = (settings.smtp_host, settings.smtp_port)
        timeout = settings.provider_timeout_seconds
        connection: smtplib.SMTP
        if settings.smtp_tls == "tls":
            connection = smtplib.SMTP_SSL(*where, timeout=timeout, context=ssl.create_default_context())
        else:
            connection = smtplib.SMTP(*where, timeout=timeout)
        try:
            if settings.smtp_tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                connection.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except BaseException:
            connection.close()
            raise
        return connection


def message_id(notification_id: UUID, mail_from: str) -> str:
    """Made from the row, so that a second copy after a crash is seen as the same message by mail servers."""
    return f"<{notification_id}@{mail_from.rpartition('@')[2] or 'localhost'}>"


def compose(message: Outgoing, mail_from: str) -> EmailMessage:
    """The message as it goes over the wire: plain text, and the HTML beside it."""
    mail = EmailMessage(policy=SMTP)
    # Line breaks in a name or subject would begin another header; the e-mail package refuses them, so they go.
    mail["From"] = Address(display_name=_one_line(message.sender_name), addr_spec=mail_from)
    mail["To"] = Address(addr_spec=message.recipient)
    if message.reply_to:
        mail["Reply-To"] = Address(addr_spec=message.reply_to)
    mail["Subject"] = _one_line(message.subject or "")
    mail["Date"] = format_datetime(utcnow())
    mail["Message-ID"] = message_id(message.id, mail_from)
    mail["Content-Language"] = message.language
    # Keeps holiday replies from coming back (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.body)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _timed_out(error: Exception) -> bool:
    # smtplib turns a time-out in the middle of a conversation into "disconnected" and leaves the cause behind it.
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _before_handing_over(error: Exception) -> NotNow:
    if _timed_out(error):
        return NotNow("provider_timeout", sick=True)
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return NotNow("provider_settings", type(error).__name__, sick=True)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotNow("provider_settings", str(error.smtp_code), sick=True)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return NotNow("provider_unreachable", sick=True)
    if isinstance(error, smtplib.SMTPResponseException):
        if error.smtp_code == _BAD_GREETING or not 400 <= error.smtp_code <= 599:
            return NotNow("provider_garbled", sick=True)
        return NotNow("provider_error", str(error.smtp_code), sick=True)
    if isinstance(error, ssl.SSLError | ValueError):
        return NotNow("provider_garbled", sick=True)
    return NotNow("provider_unreachable", sick=True)


def _failure(error: Exception) -> Rejected | NotNow:
    """What a failed conversation means for the message. 5xx about the recipient or the text is for good."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next(iter(error.recipients.values()))[0]
        return Rejected("recipient_refused", str(code)) if code >= 500 else NotNow("provider_busy", str(code))
    if isinstance(error, smtplib.SMTPSenderRefused):
        return NotNow("provider_settings", str(error.smtp_code), sick=True)
    if isinstance(error, smtplib.SMTPDataError):
        code = error.smtp_code
        if 500 <= code <= 599:
            return Rejected("message_refused", str(code))
        if 400 <= code <= 499:
            return NotNow("provider_busy", str(code))
        return NotNow("provider_garbled", sick=True)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        # An address beyond ASCII, and a server that does not take such.
        return Rejected("recipient_refused")
    return _before_handing_over(error)
