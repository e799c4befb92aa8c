"""Twilio's Messages API on a local port: the shapes, the sign-in, the errors and the signed status callbacks.

After https://www.twilio.com/docs/messaging/api/message-resource and /docs/usage/webhooks/webhooks-security. What goes
wrong is set from outside: ``server.mode = "throttle"``.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator

Mode = Literal["ok", "stall", "error", "garbage", "throttle", "drop", "empty"]
Order = Literal["none", "in_order", "duplicate", "reordered", "chaos"]
Deliver = Callable[[str, dict[str, str], str], int]

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "fedcba9876543210" * 2

_MESSAGES = {
    20003: (401, "Authenticate"),
    20429: (429, "Too Many Requests"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}


@dataclass
class Sent:
    """A message that the stand-in took."""

    sid: str
    to: str
    body: str
    sender: str
    callback: str | None


@dataclass
class TwilioServer:
    """mode: what every request meets. refuse_share: how many of them are refused with ``refuse_code``.

    refusals: an error code for certain numbers. final: the last state that callbacks report.
    stall_seconds: how long "stall" keeps the answer back; the message is taken all the same.
    stall_share: how many answers are kept back in mode "ok", each for a random part of stall_seconds.
    callbacks: "chaos" gives every message its states in a random order, some of them twice, after a random while.
    """

    mode: Mode = "ok"
    refuse_share: float = 0.0
    refuse_code: int = 21614
    refusals: dict[str, int] = field(default_factory=dict)
    stall_seconds: float = 2.0
    stall_share: float = 0.0
    callbacks: Order = "none"
    final: str = "delivered"
    final_error: int | None = None
    deliver: Deliver | None = None
    seed: int = 1
    sent: list[Sent] = field(default_factory=list)
    requests: int = 0
    answers: list[int] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(self.seed)
        self._callers: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, form: dict[str, str], authorised: bool) -> tuple[int, dict[str, Any]]:
        """Status and JSON for a POST of a message."""
        with self._lock:
            self.requests += 1
            unlucky = self._chance.random() < self.refuse_share
        if not authorised:
            return self._error(20003, form)
        if self.mode == "throttle":
            return self._error(20429, form)
        if self.mode == "error":
            return 503, {"code": 20503, "message": "Service unavailable", "more_info": "", "status": 503}
        to, body = form.get("To", ""), form.get("Body", "")
        if to in self.refusals:
            return self._error(self.refusals[to], form)
        if unlucky:
            return self._error(self.refuse_code, form)
        if len(body) > 1600:
            return self._error(21617, form)
        sender = form.get("From") or form.get("MessagingServiceSid", "")
        one = Sent("SM" + uuid4().hex, to, body, sender, form.get("StatusCallback"))
        with self._lock:
            self.sent.append(one)
        if self.callbacks != "none" and one.callback:
            caller = threading.Thread(target=self.report, args=(one,), daemon=True)
            self._callers.append(caller)
            caller.start()
        return 201, _message(one)

    def report(self, one: Sent) -> None:
        """Call back with every state that the message goes through."""
        states = ["queued", "sending", "sent", self.final]
        if self.callbacks == "duplicate":
            states = [state for state in states for _twice in range(2)]
        if self.callbacks == "reordered":
            states = [self.final, "queued", "sent", "sending"]
        if self.callbacks == "chaos":
            with self._lock:
                states = self._chance.choices(states[:-1], k=4) + [self.final] * self._chance.randint(1, 2)
                self._chance.shuffle(states)
                pause = self._chance.random()
            time.sleep(pause)
        for state in states:
            self.call_back(one, state)

    def stall(self) -> float:
        """For how many seconds this answer is kept back."""
        if self.mode == "stall":
            return self.stall_seconds
        with self._lock:
            return (
                self._chance.random() * self.stall_seconds
                if self._chance.random() < self.stall_share
                else 0.0
            )

    def call_back(self, one: Sent, state: str, *, token: str = AUTH_TOKEN) -> int:
        """One signed callback; answers the HTTP status that came back."""
        assert one.callback is not None
        form = {
            "AccountSid": ACCOUNT_SID,
            "ApiVersion": "2010-04-01",
            "From": one.sender,
            "MessageSid": one.sid,
            "MessageStatus": state,
            "SmsSid": one.sid,
            "SmsStatus": state,
            "To": one.to,
        }
        if state in ("failed", "undelivered") and self.final_error:
            form["ErrorCode"] = str(self.final_error)
        signature = RequestValidator(token).compute_signature(one.callback, form)
        status = (self.deliver or _post)(one.callback, form, signature)
        self.answers.append(status)
        return status

    def wait_for_callbacks(self) -> None:
        """Return when every callback that was begun is done."""
        for caller in list(self._callers):
            caller.join(10)

    def _error(self, code: int, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        status, message = _MESSAGES.get(code, (400, "Bad request"))
        return status, {
            "code": code,
            "message": message.format(to=form.get("To")),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


@contextmanager
def twilio_server(**settings: Any) -> Iterator[TwilioServer]:
    """A running stand-in on a free port."""
    peer = TwilioServer(**settings)
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    expected = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length).decode()
            if len(raw) < length:
                return  # whoever sent it died in the middle: Twilio would not take half a message either
            form = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
            if self.path != path:
                missing = {
                    "code": 20404,
                    "message": f"The requested resource {self.path} was not found",
                    "status": 404,
                }
                self._answer(404, json.dumps(missing).encode())
                return
            if peer.mode == "drop":
                peer.requests += 1
                self.close_connection = True
                self.connection.close()
                return
            status, answer = peer.take(form, self.headers.get("Authorization") == expected)
            body = json.dumps(answer).encode()
            time.sleep(peer.stall())
            if peer.mode == "garbage":
                body = b"<html>\xff\xfe this is not what you asked for"
            if peer.mode == "empty":
                body = b"{}"
            self._answer(status, body)

        def _answer(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json;charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After", "7")
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the client gave up waiting

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that went away is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _message(one: Sent) -> dict[str, Any]:
    now = formatdate()
    by_service = one.sender.startswith("MG")
    return {
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": one.body,
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": None if by_service else one.sender,
        "messaging_service_sid": one.sender if by_service else None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": one.sid,
        "status": "accepted" if by_service else "queued",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{one.sid}/Media.json"},
        "to": one.to,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{one.sid}.json",
    }


def _post(url: str, form: dict[str, str], signature: str) -> int:
    request = urllib.request.Request(
        url,
        urlencode(form).encode(),
        {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
