"""A Careroom whose web process and worker are killed and started again, hundreds of times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.running import ROOT, Careroom, NotRunning, environment_of

_START_SECONDS = 60.0


class _Prefork:
    """See :mod:`tests.faults.files.prefork`. At most one of its processes is alive."""

    def __init__(self, kind: str, careroom: Careroom) -> None:
        with (careroom.folder / f"{kind}.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.faults.files.prefork", kind],
                env=environment_of(careroom.settings),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        self.pid = 0
        self._answer()

    def start(self, *arguments: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(arguments) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._answer())

    def kill(self) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            while is_alive(self.pid):
                time.sleep(0.002)
        self.pid = 0

    def end(self) -> None:
        self.kill()
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NotRunning("the prefork process ended")
        return line.strip()


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


class Installation(Careroom):
    """Both processes, by fork; their logs are web.log and worker.log."""

    def prepare(self) -> None:
        self._web_fork = _Prefork("web", self)
        self._worker_fork = _Prefork("worker", self)

    def start_web(self) -> None:
        self._web_fork.start("--port", str(self._port))

    def wait_for_web(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if time.monotonic() > end or not is_alive(self._web_fork.pid):
                raise NotRunning(f"the web process does not answer:\n{self.log('web')}")
            time.sleep(0.02)

    def start_worker(self) -> None:
        self._worker_fork.start()

    def kill_web(self) -> None:
        self._web_fork.kill()

    def kill_worker(self) -> None:
        self._worker_fork.kill()

    def kill_renderer(self) -> None:
        """Kill the worker's rendering child, if it has one just now."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self._worker_fork.pid:
                    os.kill(int(stat.parent.name), signal.SIGKILL)

    def end(self) -> None:
        for fork in (self._web_fork, self._worker_fork):
            fork.end()

    def log(self, module: str, lines: int = 40) -> str:
        return "\n".join((self.folder / f"{module}.log").read_text(errors="replace").splitlines()[-lines:])


@contextmanager
def installed(database_url: str, folder: Path, **changes: object) -> Iterator[Installation]:
    """An installation that has not been started yet; its settings and plugins are also the test's."""
    made = Installation(database_url, folder, **changes)
    made.prepare()
    try:
        with made.inside():
            yield made
    finally:
        made.end()
