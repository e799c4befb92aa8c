"""Leaves a sick provider alone for a while, so that its time-outs do not hold up the other channel's messages.

Per process and channel. After a few faults in a row that are the provider's own, nothing is handed to it until a
pause is over; then one message tries, and the rest follow or wait on.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from core.metrics import BreakerState

FAULTS: Final = 3
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0


class Breaker:
    """One per channel. Times in seconds on ``clock``, which is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults = 0
        self._until = 0.0
        self.code: str | None = None

    @property
    def state(self) -> BreakerState:
        """half_open: the pause is over, or one message is trying."""
        with self._lock:
            if self._faults < FAULTS:
                return "closed"
            return "open" if self._clock() < self._until else "half_open"

    def pause(self) -> float:
        """0: hand it over. Else how many seconds this message should wait."""
        with self._lock:
            if self._faults < FAULTS:
                return 0.0
            now = self._clock()
            if now >= self._until:
                # Half open: this one tries, the others wait for what it finds.
                self._until = now + self._length()
                return 0.0
            return self._until - now + random.uniform(0, 1)  # noqa: S311

    def untried(self) -> None:
        """The one that was to try did not go for another reason: the next one tries."""
        with self._lock:
            if self._faults >= FAULTS:
                self._until = self._clock()

    def well(self) -> None:
        """The provider answered like one that works."""
        with self._lock:
            self._faults, self.code = 0, None

    def sick(self, code: str) -> None:
        """A fault that would have hit any message."""
        with self._lock:
            self._faults += 1
            self.code = code
            self._until = self._clock() + self._length()

    def _length(self) -> float:
        doubled: float = _FIRST_PAUSE * 2 ** min(max(self._faults - FAULTS, 0), 8)
        return min(doubled, _LONGEST_PAUSE)
