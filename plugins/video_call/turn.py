"""The servers that pages may use to find a way to each other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.sdk import turn


def ice(holder: UUID) -> dict[str, Any]:
    """For ``RTCPeerConnection``: its servers, and when (seconds since 1970) the credentials in it end, or None."""
    servers: list[dict[str, Any]] = []
    if urls := turn.stun_urls():
        servers.append({"urls": list(urls)})
    relay = turn.credentials(str(holder))
    if relay is not None:
        servers.append({"urls": list(relay.urls), "username": relay.username, "credential": relay.password})
    return {
        "servers": servers,
        "relay": relay is not None,
        "expires_at": int(relay.expires_at.timestamp()) if relay else None,
    }
