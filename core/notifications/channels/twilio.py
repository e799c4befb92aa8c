"""Text messages by Twilio, through its own client library."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from core.notifications.channels.base import NotNow, Outgoing, Receipt, Rejected
from core.settings import Settings

NAME: Final = "twilio"
STATUS_PATH: Final = "/providers/twilio/status"
INBOUND_PATH: Final = "/providers/twilio/inbound"
OPTED_OUT: Final = "recipient_opted_out"

# https://www.twilio.com/docs/api/errors ; whatever is not listed is taken as a fault of the moment.
REFUSALS: Final[dict[int, str]] = {
    21211: "recipient_invalid",
    21214: "recipient_unreachable",
    21217: "recipient_invalid",
    21408: "region_not_allowed",
    21421: "recipient_invalid",
    21601: "recipient_not_mobile",
    21602: "message_refused",
    21604: "recipient_invalid",
    21608: "recipient_blocked",
    21610: "recipient_opted_out",
    21612: "recipient_unreachable",
    21614: "recipient_not_mobile",
    21617: "message_too_long",
    21635: "recipient_not_mobile",
    63024: "recipient_invalid",
}
# The account, the sender or the sign-in: an operator's to mend, so that messages wait rather than die.
SETTINGS_FAULTS: Final = frozenset({20003, 20005, 20404, 21212, 21603, 21606, 21607, 21660, 21703, 21705})
UNDELIVERED: Final[dict[int, str]] = {
    21610: "recipient_opted_out",
    30003: "recipient_unreachable",
    30004: "recipient_blocked",
    30005: "recipient_invalid",
    30006: "recipient_not_mobile",
    30007: "message_refused",
    30008: "provider_unknown",
    30034: "provider_settings",
}


class Twilio:
    """Hands texts to Twilio's Messages API and asks for status callbacks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # A requests session is not promised to be safe between threads: each has its own client.
        self._local = threading.local()

    def deliver(self, message: Outgoing) -> Receipt:
        settings = self._settings
        sender = settings.twilio_from
        from_ = {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
        client = self._client()
        try:
            sent = client.messages.create(
                to=message.recipient,
                body=message.body,
                status_callback=callback_url(settings, message),
                **from_,
            )
            sid, status = str(sent.sid or ""), str(sent.status or "")
        except requests.ConnectTimeout:
            raise NotNow("provider_unreachable", sick=True) from None
        except requests.Timeout:
            raise NotNow("provider_timeout", sick=True, maybe_taken=True) from None
        except requests.ConnectionError as error:
            # "Connection refused" happens before anything is handed over; a line that breaks may be later.
            refused = "NewConnectionError" in repr(error)
            raise NotNow("provider_unreachable", sick=True, maybe_taken=not refused) from None
        except requests.RequestException:
            raise NotNow("provider_garbled", sick=True, maybe_taken=True) from None
        except (TwilioRestException, TwilioServiceException) as error:
            raise _failure(error, client.http_client) from None
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError):
            # Success by its number and nonsense by its body.
            raise NotNow("provider_garbled", sick=True, maybe_taken=True) from None
        if not sid:
            raise NotNow("provider_garbled", sick=True, maybe_taken=True)
        if status in ("failed", "undelivered"):
            raise Rejected(
                UNDELIVERED.get(_number(sent.error_code), "provider_unknown"), str(sent.error_code)
            )
        return Receipt(NAME, sid, "sent", status or None)

    def _client(self) -> Any:
        client = getattr(self._local, "client", None)
        if client is None:
            settings = self._settings
            client = Client(
                settings.twilio_account_sid,
                settings.twilio_auth_token.get_secret_value(),
                http_client=_Http(settings.provider_timeout_seconds, settings.twilio_api_base),
            )
            self._local.client = client
        return client


def callback_url(settings: Settings, message: Outgoing) -> str:
    """Where Twilio reports. It names the row and the attempt, so that a report finds its message even when it
    overtakes the answer to the handing over, or when that answer was lost. Twilio signs all of it."""
    return f"{settings.base_url}{STATUS_PATH}?{urlencode({'n': str(message.id), 'a': message.attempt})}"


def is_sender(settings: Settings, to: str, service: str) -> bool:
    """Was a text that came in for our sender? An account may have other numbers, for other things."""
    sender = settings.twilio_from
    return service == sender if sender.startswith("MG") else to == sender


class _Http(TwilioHttpClient):  # type: ignore[misc] # it ships no types
    """Twilio's client with a time limit and, for tests, another host."""

    def __init__(self, timeout: float, base_url: str | None) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base_url) if base_url else None
        self.retry_after: str | None = None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if self._base is not None:
            url = urlunsplit(urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        self.retry_after = None
        response: Response = super().request(method, url, *args, **kwargs)
        self.retry_after = (response.headers or {}).get("Retry-After")
        return response


def _failure(error: Any, http: _Http) -> Rejected | NotNow:
    code, status = _number(error.code), _number(error.status)
    if code in REFUSALS:
        return Rejected(REFUSALS[code], str(code))
    if status == 429 or code in (20429, 14107, 21611):
        return NotNow("provider_busy", str(code), sick=True, after=_seconds(http.retry_after))
    if status in (401, 403, 404) or code in SETTINGS_FAULTS:
        return NotNow("provider_settings", str(code), sick=True)
    if status == 400:
        # Twilio did not like this very message and says why with a number that we do not know.
        return Rejected("message_refused", str(code))
    return NotNow("provider_error", str(code), sick=True, maybe_taken=status >= 500)


def _seconds(text: str | None) -> timedelta | None:
    return timedelta(seconds=min(int(text), 3600)) if text and text.isdecimal() else None


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
