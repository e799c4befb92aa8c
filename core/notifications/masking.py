"""A link is a key: once its message is on its way, the copy that we keep shows that there was one, not which."""

from __future__ import annotations

import hashlib
import re
from typing import Final

MASK: Final = "/l/••••••"
# A patient's link, and those by which staff join or choose a new password.
_LINK = re.compile(r"/(?:l|join|new-password)/[A-Za-z0-9_-]{8,}")


_PATIENTS_LINK = re.compile(r"/l/([a-z2-7]{32})(?![a-z2-7])")


def hash_of_link(text: str) -> str | None:
    """The hash of the patient's link in a text, as ``core.links`` keeps it; None where there is none."""
    found = _PATIENTS_LINK.search(text)
    return hashlib.sha256(found[1].encode()).hexdigest() if found else None


def mask_links(text: str) -> str:
    """The text with every link that is a key made unreadable."""
    return _LINK.sub(MASK, text)
