"""What message providers tell us: what became of texts, and what patients answer. A signature proves who says it."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

import structlog
from flask import Response, abort, request
from twilio.request_validator import RequestValidator

from core import notifications, settings
from core.notifications import replies
from core.notifications.channels.twilio import INBOUND_PATH, STATUS_PATH, is_sender
from core.web.routes import CoreRoutes

_LONGEST = 64 * 1024
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")

routes = CoreRoutes("providers", __name__)
log = structlog.get_logger(__name__)


@routes.post(STATUS_PATH, access="public", scope="none")
def twilio_status() -> Response:
    """A text's fate, signed by Twilio. Answers 204 also when it tells nothing new, so that Twilio does not repeat it.

    The view opens its own scopes: the practice is known only when the message is found.
    """
    request.max_content_length = _LONGEST
    if not _is_from_twilio():
        log.warning("twilio.bad_signature")
        abort(403)
    sid = request.form.get("MessageSid") or request.form.get("SmsSid") or ""
    status = (request.form.get("MessageStatus") or request.form.get("SmsStatus") or "").lower()
    if sid and status:
        notifications.twilio_reports(
            sid[:64],
            status[:16],
            _number(request.form.get("ErrorCode")),
            notification_id=_uuid(request.args.get("n")),
            attempt=_number(request.args.get("a")),
        )
    return Response(status=204)


@routes.post(INBOUND_PATH, access="public", scope="none")
def twilio_inbound() -> Response:
    """A text that came in, signed by Twilio: STOP and START are the patient's word on texts, anything else is not read.

    Answers an empty document: Twilio itself confirms a STOP to the patient.
    """
    request.max_content_length = _LONGEST
    if not _is_from_twilio():
        log.warning("twilio.bad_signature")
        abort(403)
    form = request.form
    # With "advanced opt-out" Twilio says what it took the text for, in whatever language.
    said = form.get("OptOutType", "").lower() or (replies.word_in(form.get("Body", "")[:160]) or "")
    number = form.get("From", "")
    ours = is_sender(settings.current(), form.get("To", ""), form.get("MessagingServiceSid", ""))
    if ours and _E164.fullmatch(number) and said in ("stop", "start"):
        replies.take(number, "stop" if said == "stop" else "start")
    return Response("<Response/>", mimetype="text/xml")


def _is_from_twilio() -> bool:
    token = settings.current().twilio_auth_token.get_secret_value()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not token or not signature:
        return False
    # The address that Twilio called and signed is the public one, whatever a proxy made of it on the way.
    query = request.query_string.decode("utf-8", "replace")
    url = settings.current().base_url + request.path + (f"?{query}" if query else "")
    return bool(RequestValidator(token).validate(url, request.form, signature))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
