"""A bell within one process: new work was committed here, do not sleep until the next look."""

from __future__ import annotations

import threading

_bell = threading.Event()


def ring() -> None:
    """Wake whoever waits in this process. Meant for ``db.after_commit(wakeup.ring)``."""
    _bell.set()


def wait(seconds: float) -> bool:
    """Sleep until the bell rings or the time is over; True when it rang. The bell is silent again afterwards."""
    rang = _bell.wait(seconds)
    _bell.clear()
    return rang
