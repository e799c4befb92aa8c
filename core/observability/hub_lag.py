"""Measures how long everybody waits: a sleep of 100 ms that ends late has waited for whoever held the hub.

In the green modes one greenlet that blocks stops all others; this is the number that shows it. In threads it shows
the interpreter's lock and a machine that is out of breath.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from core import metrics

PAUSE: Final = 0.1
_lock = threading.Lock()
_started = False


def start() -> None:
    """Begin to measure in this process; once is enough. The thread is a greenlet in the green modes."""
    global _started
    with _lock:
        if _started:
            return
        _started = True
    threading.Thread(target=_measure, name="hub-lag", daemon=True).start()


def _measure() -> None:
    while True:
        asked = time.monotonic() + PAUSE
        time.sleep(PAUSE)
        metrics.HUB_LAG.observe(max(0.0, time.monotonic() - asked))
