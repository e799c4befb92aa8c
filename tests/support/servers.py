"""Real PostgreSQL and Redis servers for a test session, started on this machine and ended with it."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Unavailable(RuntimeError):
    """The server's programs are not on this machine."""


_held: list[int] = []


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on, and that nobody else is given while we run.

    Below the range that the system takes ports for outgoing connections from, and locked in a file, so that between
    the answer and the server's start neither the kernel nor a test in another process can take it.
    """
    folder = Path(tempfile.gettempdir(), "careroom-test-ports")
    folder.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(range(12_000, 32_000), 2_000):
        lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        _held.append(lock)  # until this process ends
        return port
    raise Unavailable("no free port")


def _postgres_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    raise Unavailable("PostgreSQL's server (initdb) is not installed")


def folder_in_memory() -> str | None:
    """Where files cost no disk, if there is room: a test's database is a copy there in a tenth of the time."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 8 * 1024**3
    return str(memory) if roomy else None


def _as_postgres(command: list[str]) -> list[str]:
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server; answers an SQLAlchemy URL of its maintenance database. Raises Unavailable."""
    binaries = _postgres_binaries()
    folder = Path(tempfile.mkdtemp(prefix="careroom-pg-", dir=folder_in_memory()))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", free_port()
    run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        _as_postgres(
            [str(binaries / "initdb"), "-D", str(data), "-U", "careroom", "-A", "trust", "-E", "UTF8"]
        ),
        cwd="/",
        **run,  # type: ignore[call-overload]
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    options += " -c max_wal_size=256MB"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    subprocess.run(_as_postgres([*control, "-o", options, "start"]), cwd="/", **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql+psycopg2://careroom@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(_as_postgres([*control, "-m", "immediate", "stop"]), cwd="/", **run)  # type: ignore[call-overload]
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server; answers its URL. Raises Unavailable."""
    program = shutil.which("redis-server")
    if program is None:
        raise Unavailable("redis-server is not installed")
    port = free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()
