"""Where a form may send its reader afterwards: to a page of ours, never elsewhere."""

from __future__ import annotations

import unicodedata


def safe_next(target: str | None, fallback: str = "/") -> str:
    """``target`` when it is a path on this site, else ``fallback``.

    Browsers read "//host", "/\\host" and "/<tab>/host" as another site, so anything but one slash and then
    printable characters is refused.
    """
    if not target or not target.startswith("/") or len(target) > 2000:
        return fallback
    if target.startswith("//") or "\\" in target or any(unicodedata.category(c)[0] == "C" for c in target):
        return fallback
    return target
