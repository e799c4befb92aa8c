"""The same link in another browser of the same device: out of an app's own browser, which has no camera.

The token of the message is in no page, so a page cannot hand it on. It gets an address that works for some minutes and
asks for the date of birth like the one in the message.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from core import settings
from core.links import FoundLink, Link

_SECONDS: Final = 15 * 60
_MARK: Final = "again."  # no token of a message has a dot


def address(link: Link) -> str:
    """Where this link can be opened once more during the next minutes."""
    return (
        f"{settings.current().base_url}/l/{_MARK}{_serializer().dumps([link.practice_id.hex, link.id.hex])}"
    )


def find(token: str) -> FoundLink | None:
    """Which link such an address is of; None for any other, and when its minutes are over."""
    if not token.startswith(_MARK):
        return None
    try:
        practice_id, link_id = _serializer().loads(token.removeprefix(_MARK), max_age=_SECONDS)
        return FoundLink(UUID(hex=practice_id), UUID(hex=link_id))
    except (BadData, ValueError, TypeError):
        return None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        settings.current().secret_key.get_secret_value(), salt="careroom.link.again"
    )
