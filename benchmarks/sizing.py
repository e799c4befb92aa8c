"""What a web process, a socket and a worker cost in memory, of the real application: the numbers of docs/operators.md.

Run by hand: python -m benchmarks.sizing
"""

import html
import re
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import requests

from core import demo
from tests.core.realtime.live import Page
from tests.support.databases import SqliteTemplate
from tests.support.running import Careroom, running

SOCKETS: Final = 200
PER_SESSION: Final = 25  # a session may have 30


def private_megabytes(process: int) -> float:
    """Memory of a process in MB, a page that n processes share counted as the n-th part of one."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def _page(careroom: Careroom, http: requests.Session) -> str:
    answer = http.get(f"{careroom.url}/p/riverside/", timeout=60)
    answer.raise_for_status()
    return answer.text


def _said(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found is not None, pattern
    return html.unescape(found[1])


def _sign_in(careroom: Careroom) -> requests.Session:
    http = requests.Session()
    page = http.get(f"{careroom.url}/login", timeout=30).text
    token = _said(r'name="csrf-token" content="([^"]+)"', page)
    headers = {"X-CSRFToken": token, "Referer": f"{careroom.url}/login"}
    http.post(
        f"{careroom.url}/login", {"username": "amira", "password": demo.PASSWORD}, headers=headers, timeout=30
    )
    return http


def _socket(careroom: Careroom, http: requests.Session, page: str) -> Page:
    made = Page.__new__(Page)
    made.server = SimpleNamespace(url=careroom.url, port=int(careroom.url.rpartition(":")[2]))  # type: ignore[assignment]
    made.http, made.link = http, None
    made.ticket, made.seq = _said(r'data-ticket="([^"]+)"', page), int(_said(r'data-seq="(\d+)"', page))
    made.events, made.messages, made.resets, made.closed = [], [], 0, True
    made._answers, made._number, made._ws = {}, 0, None
    made.connect()
    assert made.join() == {"ok": True}
    return made


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = SqliteTemplate(folder, seeded=True)
        with template.copy(folder) as url, running(url, folder) as careroom:
            assert careroom._web is not None
            assert careroom._worker is not None
            print(f"web process, just started    {private_megabytes(careroom._web.pid):7.1f} MB")
            http = _sign_in(careroom)
            for _ in range(50):
                page = _page(careroom, http)
            before = private_megabytes(careroom._web.pid)
            print(f"web process, after 50 pages  {before:7.1f} MB")
            sockets = []
            for _ in range(SOCKETS // PER_SESSION):
                http = _sign_in(careroom)
                page = _page(careroom, http)
                sockets += [_socket(careroom, http, page) for _ in range(PER_SESSION)]
            each = (private_megabytes(careroom._web.pid) - before) / SOCKETS
            print(f"each of {SOCKETS} sockets          {each * 1024:7.1f} kB")
            print(f"worker, idle                 {private_megabytes(careroom._worker.pid):7.1f} MB")
            for socket in sockets:
                socket.cut()


if __name__ == "__main__":
    main()
