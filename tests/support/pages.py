"""What a page says."""

from __future__ import annotations

import re
from html import unescape
from typing import Any


def text(answer: Any) -> str:
    """What there is to read on a page that was answered without a fault: without markup, spaces drawn together."""
    assert answer.status_code < 500
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split()))
