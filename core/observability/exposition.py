"""The metrics of this process as text, and who may read it."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from core import metrics
from core.settings import Settings

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})


class _Together(Collector):
    def __init__(self, parts: Iterable[Collector]) -> None:
        self._parts = tuple(parts)

    def collect(self) -> Iterator[Metric]:
        for part in self._parts:
            yield from part.collect()


def text(*more: Collector) -> bytes:
    """What the instruments of this process say, and these collectors."""
    return generate_latest(_Together((metrics.REGISTRY, *more)))


def may_read(settings: Settings, address: str | None, headers: Mapping[str, str]) -> bool:
    """With a token in the settings, whoever shows it; else this machine, and not through a proxy.

    A proxy on this machine is a loopback address itself, and asks for people from anywhere.
    """
    token = settings.metrics_token.get_secret_value()
    if token:
        given = headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    if any(name.lower() in _FORWARDED for name in headers):
        return False
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
