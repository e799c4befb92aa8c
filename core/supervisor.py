"""Runs the processes of ``careroom serve`` as children: starts again what dies, rolls on SIGHUP, stops in order.

A child that ends by itself is started again, after a pause that grows while it keeps ending. One that ends with an
error before it ever ran is a mistake in the settings (a taken port, a wrong URL): then everything stops with its
code, so that whoever started us sees it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

import structlog

STOP_SECONDS: Final = 30.0
"""A web process gives requests 10 s to end, a worker finishes what it has in hand; then they are killed."""
READY_SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 3.0
"""A proxy leaves out for 2 s a process that did not answer: it must have seen the new one before the next one goes."""
_LOOK_SECONDS: Final = 0.1
_SHORT_LIFE: Final = 30.0  # a busy machine takes its time until it reads that a port is taken
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 15.0
_PR_SET_PDEATHSIG: Final = 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Command:
    """A child to run. ``ready_url``: answers 200 once it does its work; None: it is ready when it runs."""

    name: str
    arguments: Sequence[str]
    ready_url: str | None = None


def web(host: str, port: int) -> Command:
    """A web process on a port."""
    arguments = (sys.executable, "-m", "core.server", "--host", host, "--port", str(port))
    asked = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return Command(f"web-{port}", arguments, f"http://{asked}:{port}/readyz")


def worker(number: int) -> Command:
    """A worker."""
    return Command(f"worker-{number}", (sys.executable, "-m", "core.cli", "worker"))


@dataclass
class _Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    pause: float = _FIRST_PAUSE
    proven: bool = field(default=False)
    """Has it ever lived for longer than a mistake in the settings does?"""

    def start(self) -> None:
        self.process = subprocess.Popen(self.command.arguments, preexec_fn=_die_with_parent)
        self.started_at = time.monotonic()
        log.info("child.started", child=self.command.name, process=self.process.pid)

    def is_ready(self) -> bool:
        """Does it do its work? For a child without an address: does it live?"""
        if self.process is None or self.process.poll() is not None:
            return False
        if self.command.ready_url is None:
            return True
        with suppress(OSError), urllib.request.urlopen(self.command.ready_url, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
        return False

    def send(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)


_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    # A supervisor that is killed must not leave children behind that hold the ports. Linux only.
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Runs children until SIGTERM or SIGINT. A second such signal kills them at once."""

    def __init__(self, commands: Sequence[Command], *, stop_seconds: float = STOP_SECONDS) -> None:
        self._children = [_Child(command) for command in commands]
        self._stop_seconds = stop_seconds
        self._signals: list[int] = []
        self._woken = threading.Event()

    def run(self) -> int:
        """Start everything and stay; answers the exit code: 0 when told to stop, else that of the child."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        for child in self._children:
            child.start()
        while True:
            self._woken.wait(_LOOK_SECONDS)
            self._woken.clear()
            if self._told_to_stop():
                return self._stop(0)
            if (code := self._look_after()) is not None:
                return self._stop(code)
            if signal.SIGHUP in self._signals:
                self._signals.remove(signal.SIGHUP)
                self._roll()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._signals.append(number)
        self._woken.set()

    def _told_to_stop(self) -> bool:
        return signal.SIGTERM in self._signals or signal.SIGINT in self._signals

    def _look_after(self) -> int | None:
        """Start again what has ended. Answers a code when there is no use in it."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.due_at:
                    child.start()
                continue
            code = child.process.poll()
            if code is None:
                if now - child.started_at > _SHORT_LIFE:
                    child.proven, child.pause = True, _FIRST_PAUSE
                continue
            if code > 0 and not child.proven and now - child.started_at <= _SHORT_LIFE:
                log.error("child.refused", child=child.command.name, code=code)
                return code
            # Killed children (a negative code: the signal) died of something else than what they were told.
            log.warning("child.ended", child=child.command.name, code=code, pause=child.pause)
            child.process, child.due_at = None, now + child.pause
            child.pause = min(child.pause * 2, _LONGEST_PAUSE)
        return None

    def _roll(self) -> None:
        """Replace every child by a new one, workers first, then web processes one by one, each when it is ready.

        New code that does not come up keeps the rest of the old one running.
        """
        for child in sorted(self._children, key=lambda child: child.command.ready_url is not None):
            log.info("child.rolling", child=child.command.name)
            child.send(signal.SIGTERM)
            self._until(lambda child=child: _has_ended(child), self._stop_seconds)  # type: ignore[misc]
            if not _has_ended(child):
                child.send(signal.SIGKILL)
                self._until(lambda child=child: _has_ended(child), 5)  # type: ignore[misc]
            if self._told_to_stop():
                return
            child.start()
            child.proven = True  # from now on a restart is worth trying
            if not self._until(child.is_ready, READY_SECONDS):
                log.error("roll.given_up", child=child.command.name)
                return
            if child.command.ready_url is not None:
                self._until(lambda: False, SETTLE_SECONDS)
        log.info("roll.done")

    def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not (answer := true()) and time.monotonic() < end and not self._told_to_stop():
            time.sleep(_LOOK_SECONDS)
        return answer

    def _stop(self, code: int) -> int:
        """Ask every child to stop, wait, and kill what does not."""
        asked = len(self._signals)
        for child in self._children:
            child.send(signal.SIGTERM)
        end = time.monotonic() + self._stop_seconds
        while not all(map(_has_ended, self._children)):
            if time.monotonic() > end or len(self._signals) > asked:
                for child in self._children:
                    child.send(signal.SIGKILL)
            time.sleep(_LOOK_SECONDS / 2)
        return code


def _has_ended(child: _Child) -> bool:
    return child.process is None or child.process.poll() is not None


def run(host: str, ports: Sequence[int], workers: int) -> int:
    """Serve on each of these ports, with so many workers beside; returns when told to stop, with the exit code."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    commands = [web(host, port) for port in ports] + [worker(number + 1) for number in range(workers)]
    return Supervisor(commands).run()
