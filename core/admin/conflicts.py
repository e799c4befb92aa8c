"""Two admins at one form: whoever saves second is told what the first has changed, and loses nothing typed.

A form carries the fingerprint of what was stored when it was shown, in a hidden field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

FIELD: Final = "seen"


def fingerprint(stored: object) -> str:
    """A short text that is another one when what is stored is another. ``stored``: anything that JSON can hold."""
    said = json.dumps(stored, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def is_stale(form: Mapping[str, Any], stored: object) -> bool:
    """Has somebody stored something else since this form was shown? A form without a fingerprint is taken as it is."""
    seen = form.get(FIELD)
    return bool(seen) and seen != fingerprint(stored)
