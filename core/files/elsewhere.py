"""Waiting for a disk, done elsewhere: on a green server it would keep everybody waiting, so a real thread does it.

The server says how (:mod:`core.server`); in the worker, in commands and in the threading mode it is simply done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]

_run: Run | None = None


def use(run: Run | None) -> None:
    """From here on ``run(function, *arguments)`` does it; None: the caller's own thread."""
    global _run
    _run = run


def do(function: Callable[..., None], *arguments: object) -> None:
    """Call the function and wait for it. It may touch neither the database nor anything of a request's context."""
    if _run is None:
        function(*arguments)
    else:
        _run(function, *arguments)
