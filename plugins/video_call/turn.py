"""The servers that pages may use to find a way to each other."""

from __future__ import annotations

from typing import Any

from core.sdk import turn
from plugins.video_call import states
from plugins.video_call.models import Call, Participant


def ice(call: Call, me: Participant) -> dict[str, Any]:
    """For ``RTCPeerConnection``: its servers, and when (seconds since 1970) the credentials in it end, or None.

    Nothing for a guest who was not let in, nor once the call is over: the relay is not for everybody.
    """
    if me.admitted_at is None or me.left_at is not None or call.state in states.OVER:
        return {"servers": [], "relay": False, "expires_at": None}
    servers: list[dict[str, Any]] = []
    if urls := turn.stun_urls():
        servers.append({"urls": list(urls)})
    relay = turn.credentials(str(me.id))
    if relay is not None:
        servers.append({"urls": list(relay.urls), "username": relay.username, "credential": relay.password})
    return {
        "servers": servers,
        "relay": relay is not None,
        "expires_at": int(relay.expires_at.timestamp()) if relay else None,
    }
