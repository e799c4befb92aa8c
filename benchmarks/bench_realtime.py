"""The bus beside Node's socket.io: the same clients, the same messages, each server alone on one core.

Ours is the real server (eventlet) with tickets, screening, schema, and, for fan-out, an event that is stored in
SQLite and handed out by the pump. The peer stores nothing and checks nobody. Processor time is the server process's
own, so what the clients use does not count.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Row, cpu_of_process, in_child, wait_for_port

HERE: Final = Path(__file__).resolve().parent
CLIENTS: Final = 200
ROUNDS: Final = 25
EVENTS: Final = 40


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one server: microseconds a message and a delivery, kilobytes a connection, milliseconds of an echo."""

    echo: float
    fan: float
    memory: float
    p99: float


def prepare(folder: str) -> dict[str, str]:
    """A migrated database in the folder; answers the environment of a server for it, and the practice's id."""
    from core import db
    from core.tenancy import find_by_slug
    from tests.core.realtime.live import environment_of
    from tests.support.databases import SqliteTemplate, settings_for

    made = SqliteTemplate(Path(folder), seeded=True).copy(Path(folder))
    chosen = settings_for(made.__enter__(), Path(folder), async_mode="eventlet")  # the folder goes as a whole
    db.configure(chosen)
    with db.scope(write=False):
        practice_id = find_by_slug("riverside").id
    db.dispose()
    environment = {k: v for k, v in environment_of(chosen).items() if os.environ.get(k) != v}
    return {**environment, "BENCH_PRACTICE": str(practice_id)}


def ours() -> Cost:
    from tests.support.servers import free_port

    with tempfile.TemporaryDirectory() as folder:
        said = in_child(prepare, folder)
        port = free_port()
        command = [sys.executable, "-m", "core.server", "--mode", "eventlet", "--port", str(port)]
        app = "benchmarks.realtime_app:create_app"
        with serving([*command, "--app", app], {**os.environ, **said}) as server:
            return _measure(server, port, said["BENCH_PRACTICE"])


def node() -> Cost:
    from tests.support.servers import free_port

    port = free_port()
    with serving(["node", str(HERE / "peer_server.mjs"), str(port)], dict(os.environ)) as server:
        return _measure(server, port, "00000000-0000-0000-0000-000000000000")


@contextmanager
def serving(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """A server on the first core, until the end."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", *command],
        env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _measure(pid: int, port: int, practice: str) -> Cost:
    wait_for_port(port, pid)
    with asking(HERE / "socket_load.mjs", f"http://127.0.0.1:{port}", practice) as ask:
        ask("connect 1")  # what the first connection brings in is not one connection's
        before = resident(pid)
        ask(f"connect {CLIENTS}")
        memory = (resident(pid) - before) / (CLIENTS - 1)
        ask("echo 3")
        began = cpu_of_process(pid)
        echoed = ask(f"echo {ROUNDS}")
        echo = (cpu_of_process(pid) - began) / echoed["count"]
        ask("fan 3")
        began = cpu_of_process(pid)
        told = ask(f"fan {EVENTS}")
        fan = (cpu_of_process(pid) - began) / told["count"]
        return Cost(echo * 1e6, fan * 1e6, memory, echoed["p99"])


@contextmanager
def asking(script: Path, url: str, *more: str) -> Iterator[Callable[[str], dict[str, Any]]]:
    """The load on a server, on the last core: what it is asked by a line, it does and answers."""
    last = str((os.cpu_count() or 1) - 1)
    load = subprocess.Popen(
        ["taskset", "-c", last, "node", str(script), url, *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def ask(line: str) -> dict[str, Any]:
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(line + "\n")
        load.stdin.flush()
        answer = load.stdout.readline()
        if not answer:
            raise SystemExit(f"the load at {url} broke off at {line!r}")
        found: dict[str, Any] = json.loads(answer)
        return found

    try:
        yield ask
    finally:
        load.kill()
        load.wait()


def resident(pid: int) -> float:
    """Kilobytes in memory, without what is shared."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(float(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))


def rows() -> Iterable[Row]:
    mine, peer = ours(), node()
    note = f"{CLIENTS} clients, server pinned to one core"
    yield Row("echo through the bus", mine.echo, "Node socket.io", peer.echo, "µs", 3.0, note)
    yield Row("an event to 200 clients", mine.fan, "Node socket.io", peer.fan, "µs", 2.0, "a delivery")
    yield Row("memory of a connection", mine.memory, "Node socket.io", peer.memory, "kB", 1.5, note)
