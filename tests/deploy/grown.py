"""The grown size, running: `careroom serve --workers N` over PostgreSQL and Redis, with nginx in front."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.certificates import make_certificate
from tests.support.running import ROOT, Careroom, NotRunning, environment_of, eventually
from tests.support.servers import Unavailable

NGINX_CONF = ROOT / "deploy" / "nginx" / "careroom.conf"
_START_SECONDS = 60.0


# Counted on, from a place of this process's own: a port that was just given away is not listened on yet.
_NEXT = itertools.cycle(range(21_000 + os.getpid() % 1_000 * 10, 31_990))


def free_ports(count: int) -> int:
    """The first of so many TCP ports in a row that nobody listens on just now, and nobody here was given before."""
    while True:
        run = [next(_NEXT) for _ in range(count)]
        if run[-1] - run[0] == count - 1 and all(map(_is_free, run)):
            return run[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Redis:
    """A Redis server on a port of its own, which can stop and start again."""

    def __init__(self, folder: Path) -> None:
        self.program = shutil.which("redis-server")
        if self.program is None:
            raise Unavailable("redis-server is not installed")
        self.port = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(self.program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        eventually(lambda: listens(self.port), 10, "redis")

    def stop(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def listens(port: int) -> bool:
    """Does somebody take connections at this port?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    """Debian's nginx with deploy/nginx/careroom.conf, changed only where its comments say that one has to."""

    def __init__(self, folder: Path, port: int, web_ports: list[int]) -> None:
        self.program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if self.program is None:
            raise Unavailable("nginx is not installed")
        self.folder = folder
        self.url = f"https://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        make_certificate(folder)
        self._write(port, web_ports)

    def _write(self, port: int, web_ports: list[int]) -> None:
        site = NGINX_CONF.read_text()
        servers = "\n".join(f"    server 127.0.0.1:{p} max_fails=1 fail_timeout=2s;" for p in web_ports)
        for pattern, value in {
            r"(?m)(^    server 127\.0\.0\.1:\d+ .*\n)+": servers + "\n",
            r"listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            r"listen \[::\]:443 ssl;": "",
            r"(?m)^\s*listen (\[::\]:)?80;\n": f"    listen 127.0.0.1:{free_ports(1)};\n",
            r"careroom\.example\.org": "127.0.0.1",
            r"/etc/letsencrypt/live/127\.0\.0\.1": str(self.folder),
            r"/var/(log|cache)/nginx": str(self.folder),
        }.items():
            site, times = re.subn(pattern, value, site)
            assert times, f"careroom.conf has no {pattern}"
        # Two listeners of one plain port are one too many once both have the same address.
        site = re.sub(r"(    listen 127\.0\.0\.1:\d+;\n)(    listen 127\.0\.0\.1:\d+;\n)+", r"\1", site)
        (self.folder / "site.conf").write_text(site)
        temporary = "\n".join(
            f"  {kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            # Its workers read and write in this folder, which is root's alone when root runs the tests.
            f"{'user root;' if os.geteuid() == 0 else ''}\ndaemon off;\n"
            f"pid {self.folder}/nginx.pid;\nworker_processes 1;\nerror_log {self.folder}/main-error.log;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{\n  include /etc/nginx/mime.types;\n{temporary}\n"
            f"  include {self.folder}/site.conf;\n}}\n"
        )

    @property
    def command(self) -> list[str]:
        return [str(self.program), "-p", str(self.folder), "-e", f"{self.folder}/main-error.log",
                "-c", f"{self.folder}/nginx.conf"]  # fmt: skip

    def start(self) -> None:
        self._process = subprocess.Popen(self.command)
        port = int(self.url.rpartition(":")[2])
        eventually(lambda: listens(port), 10, "nginx")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def log(self) -> str:
        """Everything that nginx wrote about requests, in all its logs."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


class Served(Careroom):
    """A Careroom whose processes are children of `careroom serve`; ``url`` is that of the first web process."""

    def __init__(
        self, database_url: str, folder: Path, *, web: int = 2, workers: int = 1, **changes: object
    ) -> None:
        base_url = changes.pop("base_url", None)
        super().__init__(database_url, folder, **changes)
        first = free_ports(web)
        self.ports = [first + number for number in range(web)]
        self.workers = workers
        self.url = str(base_url or f"http://127.0.0.1:{first}")
        self.settings = self.settings.model_copy(update={"base_url": self.url})
        self.extra_environment: dict[str, str] = {}
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the supervisor and wait until every web process is ready."""
        command = [sys.executable, "-m", "core.cli", "serve", "--port", str(self.ports[0]),
                   "--workers", str(len(self.ports)), "--job-workers", str(self.workers)]  # fmt: skip
        with (self.folder / "serve.log").open("ab") as output:
            environment = {**environment_of(self.settings), **self.extra_environment}
            self.supervisor = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=output, stderr=output
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until every web process says at /readyz that it is."""
        end = time.monotonic() + _START_SECONDS
        while not all(is_ready(port) for port in self.ports):
            if self.supervisor is None or self.supervisor.poll() is not None or time.monotonic() > end:
                raise NotRunning(f"not every web process answers:\n{self.log('serve')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End as an administrator does. Raises NotRunning when it had ended, or ends badly."""
        if self.supervisor is None:
            return
        ended_by_itself = self.supervisor.poll() is not None
        self.supervisor.terminate()
        code = self.supervisor.wait(45)
        self.supervisor = None
        if ended_by_itself or code != 0:
            raise NotRunning(f"serve ended with {code}:\n{self.log('serve')}")

    def kill(self) -> None:
        """End the supervisor as a crash does."""
        if self.supervisor is not None:
            self.supervisor.kill()
            self.supervisor.wait()
            self.supervisor = None

    def children(self, kind: str) -> list[int]:
        """Process ids of the living children: "core.server" or "core.cli"; by port, or by age."""
        assert self.supervisor is not None
        pid = self.supervisor.pid
        found = []
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            with suppress(FileNotFoundError, ProcessLookupError):
                words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
                if kind in words:
                    found.append((words[-2] if kind == "core.server" else "", child))
        return [child for _order, child in sorted(found)]


def is_ready(port: int) -> bool:
    """Does the web process at this port do its work?"""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


@contextmanager
def grown(
    database_url: str, folder: Path, *, web: int = 2, **changes: object
) -> Iterator[tuple[Served, Nginx, Redis]]:
    """All of it: PostgreSQL is the caller's. ``url`` and ``base_url`` are nginx's, over TLS."""
    redis = Redis(folder)
    port = free_ports(1)
    careroom = Served(
        database_url, folder, web=web, base_url=f"https://127.0.0.1:{port}", trusted_proxies=1,
        redis_url=redis.url, **changes,
    )  # fmt: skip
    nginx = Nginx(folder / "nginx", port, careroom.ports)
    careroom.url = nginx.url
    try:
        redis.start()
        careroom.start()
        nginx.start()
        yield careroom, nginx, redis
        careroom.stop()
    finally:
        careroom.kill()
        nginx.stop()
        redis.stop()
