"""A real server process and pages that speak its protocol over real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import requests

from core.settings import Settings
from tests.core.realtime.wire import Wire
from tests.support.servers import free_port

ROOT = Path(__file__).parents[3]


def eventually(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What ``found`` answers once that is true. Fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return answer


def environment_of(chosen: Settings) -> dict[str, str]:
    """The environment for another process with the same settings."""
    said = {
        "CAREROOM_ENVIRONMENT": "test",
        "CAREROOM_DATABASE_URL": chosen.database_url,
        "CAREROOM_DATA_DIR": str(chosen.data_dir),
        "CAREROOM_SECRET_KEY": chosen.secret_key.get_secret_value(),
    }
    if chosen.redis_url:
        said["CAREROOM_REDIS_URL"] = chosen.redis_url
    return {**os.environ, **said, "PYTHONPATH": str(ROOT)}


class Server:
    """One web process."""

    def __init__(self, chosen: Settings, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.chosen, self.process, self.port, self.log = chosen, process, port, log
        self.url = f"http://127.0.0.1:{port}"
        self.pages: list[Page] = []

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/state", timeout=5).json()
        return found

    def drops(self, reason: str) -> int:
        return int(self.state()["drops"].get(reason, 0))

    def forget(self) -> None:
        """As if just started: no page is open, nothing was dropped."""
        for page in self.pages:
            page.cut()
            page.http.close()
        self.pages.clear()
        eventually(lambda: self.state()["clients"] == 0)
        requests.post(f"{self.url}/forget", timeout=5).raise_for_status()

    def publish(self, practice_id: UUID, topic: str, first: int, count: int = 1) -> None:
        said = {"topic": topic, "first": first, "count": count}
        requests.post(f"{self.url}/publish/{practice_id}", json=said, timeout=20).raise_for_status()


@contextmanager
def serving(
    chosen: Settings, mode: str, *, port: int | None = None, app: str = "small_app"
) -> Iterator[Server]:
    """Run ``python -m core.server`` over the small application; ends it by SIGTERM, which must succeed."""
    port = port or free_port()
    log = chosen.data_dir / f"server-{port}.log"
    factory = f"tests.core.realtime.{app}:create_app"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.server", "--port", str(port), "--mode", mode, "--app", factory],
            env=environment_of(chosen), cwd=ROOT, stdout=output, stderr=output,
        )  # fmt: skip
    server = Server(chosen, process, port, log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return requests.get(f"{server.url}/state", timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        eventually(answers, 30)
        yield server
        process.terminate()
        assert process.wait(15) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for page in server.pages:
            page.cut()
            page.http.close()


class Page:
    """A browser's page: its cookies, its ticket, its socket, and every event that it was told."""

    def __init__(self, server: Server, practice_id: UUID, *topics: str, link: UUID | None = None) -> None:
        self.server, self.practice_id, self.link = server, practice_id, link
        self.http = requests.Session()
        query = urlencode([("topic", t) for t in topics] + ([("link", str(link))] if link else []))
        said = self.http.get(f"{server.url}/page/{practice_id}?{query}", timeout=5).json()
        self.ticket: str = said["ticket"]
        self.seq: int = said["seq"]
        self.events: list[dict[str, Any]] = []
        self.messages: list[list[Any]] = []
        self.resets = 0
        self.closed = True
        self._answers: dict[int, Any] = {}
        self._number = 0
        self._ws: Wire | None = None
        server.pages.append(self)

    @property
    def numbers(self) -> list[int]:
        return [event["ids"]["number"] for event in self.events]

    def connect(self, *, origin: str | None = None, cookies: bool = True, path: str = "") -> Page:
        """Open the socket and wait until Socket.IO took it. Raises ConnectionError when it is refused."""
        headers = {"Origin": origin or self.server.url}
        jar = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        if self.link:
            jar = f"link={self.link}"
        if cookies and jar:
            headers["Cookie"] = jar
        url = f"ws://127.0.0.1:{self.server.port}{path}/socket.io/?EIO=4&transport=websocket"
        self.cut()
        self._ws = Wire(url, headers)
        self.closed = False
        self._connected = threading.Event()
        threading.Thread(target=self._read, args=(self._ws,), daemon=True).start()
        self._ws.send("40")
        if not self._connected.wait(5) or self.closed:
            raise ConnectionError("refused")
        return self

    def join(self, **said: Any) -> dict[str, Any]:
        """Show the ticket; answers what the server says."""
        return self.ask("join", {"ticket": self.ticket, "seq": self.seq, **said})

    def ask(self, name: str, said: Any) -> dict[str, Any]:
        """Send an event and wait for its answer."""
        self._number += 1
        number = self._number
        self.send(f"42{number}{json.dumps([name, said])}")
        answer: dict[str, Any] = eventually(lambda: self._answers.pop(number, None))
        return answer

    def send(self, frame: str | bytes) -> None:
        """Send a raw frame."""
        assert self._ws is not None
        self._ws.send(frame)

    def cut(self) -> None:
        """Lose the connection without a word."""
        if self._ws is not None:
            self._ws.cut()
        self.closed = True

    def send_part(self, part: str, *, last: bool) -> None:
        """Send a fragment of a message."""
        assert self._ws is not None
        self._ws.send_part(part, last=last)

    def renew(self) -> None:
        answer = self.http.post(
            f"{self.server.url}/ticket/{self.practice_id}", json={"ticket": self.ticket}, timeout=5
        )
        answer.raise_for_status()
        self.ticket = answer.json()["ticket"]

    def _read(self, ws: Wire) -> None:
        for frame in ws.frames():
            if ws is not self._ws:
                return
            self._take(ws, frame)
        if ws is self._ws:
            self.closed = True
            self._connected.set()

    def _take(self, ws: Wire, frame: str) -> None:
        if frame == "2":
            with suppress(OSError):
                ws.send("3")
        elif frame.startswith("40"):
            self._connected.set()
        elif frame.startswith("44"):
            self.closed = True
            self._connected.set()
        elif frame.startswith("43"):
            number, _, body = frame[2:].partition("[")
            self._answers[int(number)] = json.loads("[" + body)[0]
        elif frame.startswith("42"):
            name, *said = json.loads(frame[2:])
            self.messages.append([name, *said])
            if name == "events":
                self._hear(said[0])

    def _hear(self, said: dict[str, Any]) -> None:
        self.resets += bool(said.get("reset"))
        self.events += said["events"]
        self.seq = said["seq"]
