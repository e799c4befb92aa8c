"""What is asked of an identity provider over the network. A practice says who that is, so it may be anybody.

So an answer is read within bounds of size and time, no redirect is followed, no address inside the operator's own
network is spoken to, and one who does not answer is left alone for a minute.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from core import settings
from core.errors import Refused
from core.i18n import _

_KEEP_SECONDS: Final = 3600  # of what a provider publishes
_LEAVE_SECONDS: Final = 60  # one who did not answer as they should
_MOST_REMEMBERED: Final = 1000
_TIMEOUT: Final = 10
_DEADLINE: Final = 15  # seconds for a whole answer, however often a bit of it comes
_MOST_BYTES: Final = 1_000_000
_PIECE: Final = 65_536

log = structlog.get_logger(__name__)


class OidcRefused(Refused):
    """Nobody came in: ``message`` says what can be done."""


_published: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
_failed: dict[tuple[str, str], float] = {}
_lock = threading.Lock()


def forget() -> None:
    """Drop what is remembered of providers."""
    with _lock:
        _published.clear()
        _failed.clear()


def published(issuer: str, url: str, *, fresh: bool = False) -> dict[str, Any]:
    """What a provider publishes there, kept for an hour. Raises OidcRefused, at once where it has just failed."""
    key, now = (issuer, url), time.monotonic()
    with _lock:
        known, failed = _published.get(key), _failed.get(key)
    if failed is not None and now - failed < _LEAVE_SECONDS:
        raise away("failed just now")
    if known is not None and not fresh and now - known[0] < _KEEP_SECONDS:
        return known[1]
    try:
        found = _answer(lambda session, **how: session.get(url, **how))
    except OidcRefused:
        with _lock:
            if len(_failed) >= _MOST_REMEMBERED:
                _failed.clear()
            _failed[key] = time.monotonic()
        raise
    with _lock:
        _failed.pop(key, None)
        _published[key] = (now, found)
    return found


def post(url: str, form: Mapping[str, str], auth: tuple[bytes, bytes]) -> dict[str, Any]:
    """What a provider answers to a form of ours. Raises OidcRefused."""
    return _answer(lambda session, **how: session.post(url, data=form, auth=auth, **how))


def schemes() -> tuple[str, ...]:
    """What a provider's addresses may begin with."""
    return ("https", "http") if settings.current().is_open_house else ("https",)


def away(what: str) -> OidcRefused:
    """The provider does not answer as it should; the log says in what."""
    log.warning("oidc_provider_fault", what=what)
    words = _("Your practice's sign-in does not answer as it should. Try again later, or use your password.")
    return OidcRefused(words, "provider", status=502)


def _answer(ask: Callable[..., requests.Response]) -> dict[str, Any]:
    until = time.monotonic() + _DEADLINE
    how = {
        "timeout": _TIMEOUT,
        "allow_redirects": False,
        "headers": {"Accept": "application/json"},
        "stream": True,
    }
    try:
        with _session() as session, ask(session, **how) as answer:
            answer.raise_for_status()
            if answer.is_redirect:
                raise away("answer")
            found = json.loads(_read(answer, until))
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise away(type(error).__name__) from error
    if not isinstance(found, dict):
        raise away("answer")
    return found


def _read(answer: requests.Response, until: float) -> bytes:
    """The body, unless it is too large or comes too slowly. Raises OidcRefused."""
    body = bytearray()
    # As much as is there, at most so much at once: a larger piece would wait for a slow sender until it is whole.
    while piece := answer.raw.read1(_PIECE, decode_content=True):
        body += piece
        if len(body) > _MOST_BYTES:
            raise away("too large")
        if time.monotonic() > until:
            raise away("too slow")
    return bytes(body)


# --- no address of our own network ---------------------------------------------------------------------------------


class InnerAddress(OSError):
    """A provider's name leads into a network that is not the world's."""


def _check_name(host: str, port: int) -> None:
    for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        _check(host, str(found[4][0]))


def _check(host: str, address: str) -> None:
    """Raises InnerAddress, unless the operator has named the host."""
    if host.casefold() in {one.casefold() for one in settings.current().identity_provider_hosts}:
        return
    if not ip_address(address.partition("%")[0]).is_global:
        raise InnerAddress(address)


def _checked(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """Connected where the name was looked up, and nothing said before it is known where that is."""
    _check_name(connection.host, connection.port or 443)
    made = connect()
    try:
        _check(connection.host, str(made.getpeername()[0]))  # the name may lead elsewhere by now
    except OSError:
        made.close()
        raise
    return made


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self, super()._new_conn)


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self, super()._new_conn)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Outward(HTTPAdapter):
    """Speaks to the world only. Behind a proxy of the operator's, the proxy decides where it goes."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _session() -> requests.Session:
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Outward())
    return made
