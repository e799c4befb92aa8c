"""Lets a patient's page reach the bus below its link's path.

The cookie that proves the identity check is sent below ``/v/<link>`` only, so a patient's page connects to
``/v/<link>/socket.io``; there the cookie comes along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

_PATH = re.compile(r"/v/([0-9a-f-]{36})(/socket\.io(?:/.*)?)\Z")
LINK_KEY = "careroom.link_id"


class LinkPath:
    """WSGI: /v/<link>/socket.io/... becomes /socket.io/..., and ``environ[LINK_KEY]`` has the link's id."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found = _PATH.match(environ.get("PATH_INFO", ""))
        if found and (link_id := _uuid(found[1])):
            environ[LINK_KEY] = link_id
            environ["PATH_INFO"] = found[2]
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
