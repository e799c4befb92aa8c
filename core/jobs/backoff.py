"""How long to wait before the next try."""

from __future__ import annotations

import random
from datetime import timedelta


def delay(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Exponential with full-half jitter: after n failed tries between 1/2 and 1 of ``first * 2**(n-1)``.

    Never above ``longest``. The jitter keeps messages that failed together from coming back together.
    """
    exponent = min(max(attempts, 1) - 1, 32)
    whole = min(first.total_seconds() * 2**exponent, longest.total_seconds())
    # Not a secret: random is right here.
    return timedelta(seconds=whole * random.uniform(0.5, 1.0))  # noqa: S311
