"""Rate limits: how often somebody may fail, per address, account or link.

Counted in Redis where there is one, so that all processes count together; else in this process. When Redis does
not answer, this process counts for itself: a limit must neither let everything through nor shut everybody out.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import structlog
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from core import settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """``Limit("sign_in.address", "30 per 10 minutes")``: counted apart for each name and key."""

    name: str
    rate: str

    @property
    def item(self) -> RateLimitItem:
        return parse(self.rate)


SIGN_IN_BY_ADDRESS: Final = Limit("sign_in.address", "30 per 10 minutes")
"""A surgery's whole desk may share one address; thirty wrong passwords in ten minutes are no desk."""

PROVIDER_BY_ADDRESS: Final = Limit("provider.address", "120 per 10 minutes")
"""Ways to a practice's own sign-in, each of which asks something of another server."""

CODE_BY_ACCOUNT: Final = Limit("code.account", "10 per 10 minutes")
"""Codes that are to confirm a new authenticator app."""

RESET_BY_ADDRESS: Final = Limit("reset.address", "10 per hour")
"""Asking for links to new passwords."""

RESET_BY_ACCOUNT: Final = Limit("reset.account", "3 per hour")
"""Links for one account: nobody's mailbox is filled."""

LINK_BY_ADDRESS: Final = Limit("link.address", "30 per 10 minutes")
"""Wrong dates of birth and unknown links, of all links together: a phone network may share one address."""

LINK_BY_ADDRESS_IN_A_DAY: Final = Limit("link.address_day", "150 per day")
"""The same, for whoever is patient enough to stay below the one above."""

LINK_PAGES_BY_ADDRESS: Final = Limit("link.pages", "240 per minute")
"""Looking costs little, and previews of messengers look as well."""

LINK_BY_PRACTICE: Final = Limit("link.practice", "60 per 10 minutes")
"""Wrong dates of birth on all links of a practice, from wherever. A practice that sends a thousand links a day has a
handful of slips in ten minutes; sixty are somebody who tries. From then on the practice is on its guard."""

LINK_ON_GUARD: Final = Limit("link.on_guard", "2 per 10 minutes")
"""How often one address may be wrong at a practice that is on its guard. Who is right at once, or has slipped once,
notices nothing."""

GUESSING_TOLD: Final = Limit("link.guessing_told", "1 per 10 minutes")
"""How often a practice's guard is written down."""


class _Counters:
    """The limiter on the storage of the current settings, with a second one in memory."""

    def __init__(self, redis_url: str | None) -> None:
        self.redis_url = redis_url
        self.spare = MovingWindowRateLimiter(MemoryStorage())
        self.main = self.spare if redis_url is None else MovingWindowRateLimiter(_storage(redis_url))


def _storage(redis_url: str) -> Storage:
    made = storage_from_string(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
    assert isinstance(made, Storage)  # noqa: S101 - the asynchronous kind has another scheme
    return made


_counters: _Counters | None = None


def _current() -> _Counters:
    global _counters
    redis_url = settings.current().redis_url
    if _counters is None or _counters.redis_url != redis_url:
        _counters = _Counters(redis_url)
    return _counters


def count(limit: Limit, key: str) -> bool:
    """Count one more for this key; False when that is one too many."""
    return _ask("hit", limit, key)


def is_exhausted(limit: Limit, key: str) -> bool:
    """Has this key no tries left? Counts nothing."""
    return not _ask("test", limit, key)


def origin(address: str | None) -> str:
    """What an address is counted as: of IPv6 its network (/64), which is what one home or phone has."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped is not None else str(ip_network((found, 64), strict=False))
    return str(found)


def forget() -> None:
    """Start counting anew, in this process's memory: for tests."""
    global _counters
    _counters = None


def _ask(question: str, limit: Limit, key: str) -> bool:
    if not settings.current().rate_limits:
        return True
    counters = _current()
    try:
        return bool(getattr(counters.main, question)(limit.item, limit.name, key))
    except StorageError as error:
        log.warning("rate_limit_storage_failed", error=type(error).__name__)
        return bool(getattr(counters.spare, question)(limit.item, limit.name, key))
