"""A running Careroom: the web process and the worker that `careroom serve` starts, over a database of its own.

Both can be killed and started again in the middle of whatever goes on. Tests look into the same database.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy.orm import Session

from core import audit, db, settings, tenancy
from core.plugin_system import wiring
from core.settings import Settings
from tests.support.databases import settings_for
from tests.support.servers import free_port

ROOT = Path(__file__).parents[2]
_START_SECONDS = 120


class NotRunning(RuntimeError):
    """A process of Careroom ended, or did not begin to answer; the message holds the end of its log."""


def eventually(found: Callable[[], Any], seconds: float = 15, what: str = "it") -> Any:
    """What ``found`` answers once that is true. Fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return answer


def environment_of(chosen: Settings) -> dict[str, str]:
    """The environment in which another process has these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAREROOM_")}
    said = {f"CAREROOM_{name.upper()}": _written(getattr(chosen, name)) for name in chosen.model_fields_set}
    return {**kept, **said, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, (tuple, bool)) else str(value)


class Careroom:
    """One installation. ``url``: where it answers; ``settings``: as its processes have them."""

    def __init__(self, database_url: str, folder: Path, **changes: object) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self._port = port
        self.settings = settings_for(
            database_url,
            folder,
            base_url=self.url,
            **{"async_mode": "eventlet", "rate_limits": False, **changes},
        )
        self._web: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None

    # --- the processes ---

    def start(self) -> None:
        """Start both and wait until pages are answered."""
        self.start_worker()
        self.start_web()

    def start_web(self) -> None:
        """Start the web process and wait until /readyz says so."""
        self._web = self._run("core.server", "--port", str(self._port))
        end = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._web.poll() is not None or time.monotonic() > end:
                raise NotRunning(f"the web process does not answer:\n{self.log('core.server')}")
            time.sleep(0.05)

    @contextmanager
    def another_web(self) -> Iterator[str]:
        """A second web process beside the first, as behind a balancer; answers where it is."""
        port = free_port()
        second = self._run("core.server", "--port", str(port))
        try:
            eventually(
                lambda: second.poll() is not None or self._is_ready(port),
                _START_SECONDS,
                "a second web process",
            )
            if second.poll() is not None:
                raise NotRunning(f"the second web process ended:\n{self.log('core.server')}")
            yield f"http://127.0.0.1:{port}"
        finally:
            second.terminate()
            second.wait(20)

    def start_worker(self) -> None:
        """Start the worker; what waits is done as soon as it is up."""
        self._worker = self._run("core.cli", "worker")

    def kill_web(self) -> None:
        """End the web process as a crash does: nothing is finished, nothing said."""
        self._web = _killed(self._web)

    def kill_worker(self) -> None:
        """The same for the worker."""
        self._worker = _killed(self._worker)

    def stop(self) -> None:
        """End both as an administrator does. Raises NotRunning when one had ended by itself, or ends badly."""
        wrong = []
        for module, process in (("core.server", self._web), ("core.cli", self._worker)):
            if process is None:
                continue
            ended_by_itself = process.poll() is not None
            process.terminate()
            try:
                code = process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if ended_by_itself or code != 0:
                wrong.append(f"{module} ended with {code}:\n{self.log(module)}")
        self._web = self._worker = None
        if wrong:
            raise NotRunning("\n".join(wrong))

    def check(self) -> None:
        """Both processes are there. Raises NotRunning."""
        for module, process in (("core.server", self._web), ("core.cli", self._worker)):
            if process is None or process.poll() is not None:
                raise NotRunning(f"{module} is not running:\n{self.log(module)}")

    def log(self, module: str, lines: int = 60) -> str:
        """The last lines that a process wrote."""
        written = self.folder / f"{module}.log"
        return (
            "\n".join(written.read_text(errors="replace").splitlines()[-lines:]) if written.exists() else ""
        )

    def _run(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{module}.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=environment_of(self.settings), cwd=ROOT, stdout=output, stderr=output,
            )  # fmt: skip

    def _is_ready(self, port: int | None = None) -> bool:
        try:
            address = f"http://127.0.0.1:{port or self._port}/readyz"
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    # --- what is in it ---

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Make this installation's settings, database and plugins those of the test's own process."""
        settings.configure(self.settings)
        db.configure(self.settings)
        wiring.start(self.settings)
        try:
            yield
        finally:
            db.dispose()
            audit.clear_context()

    @contextmanager
    def at(self, slug: str, *, write: bool = False) -> Iterator[Session]:
        """A scope of a practice; call it inside :meth:`inside`."""
        with db.scope(write=False):
            practice_id = tenancy.find_by_slug(slug).id
        with tenancy.practice_scope(practice_id, write=write) as session:
            yield session


@contextmanager
def running(database_url: str, folder: Path, **changes: object) -> Iterator[Careroom]:
    """A Careroom that runs until the end of the block."""
    careroom = Careroom(database_url, folder, **changes)
    try:
        careroom.start()
        yield careroom
        careroom.stop()
    finally:
        careroom.kill_web()
        careroom.kill_worker()


def _killed(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()
