"""What a script sent."""

from __future__ import annotations

from typing import Any

from flask import request


def json_object() -> dict[str, Any]:
    """The JSON object of this request; an empty one where it is none, so that what is missing is refused in words."""
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}
