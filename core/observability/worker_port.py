"""A worker's own small port: /metrics, /healthz and /readyz, in a thread beside the work.

Several workers on a machine share the setting: each takes the first port from it on that is free. When none is, that
is said in the log and nothing more: messages and pictures matter more than their count.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import structlog
from prometheus_client.registry import Collector

from core.observability import exposition
from core.observability.readiness import Reason
from core.settings import Settings

_SLOWEST_SECONDS: Final = 5
_TRIED_PORTS: Final = 16

log = structlog.get_logger(__name__)


class _Server(ThreadingHTTPServer):
    """One process a port, also where the system would let two listen: each scrape would meet either."""

    allow_reuse_port = False


class WorkerPort:
    """Call :meth:`start` once and :meth:`stop` at the end. why_not: None when the worker is ready."""

    def __init__(
        self, settings: Settings, why_not: Callable[[], Reason | None], collectors: tuple[Collector, ...] = ()
    ) -> None:
        self._settings, self._why_not, self._collectors = settings, why_not, collectors
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int | None:
        """Where it answers; None when it does not."""
        return self._server.server_port if self._server else None

    def start(self) -> None:
        """Answer from now on, if the settings name a port."""
        if self._settings.metrics_port is None:
            return
        first = self._settings.metrics_port
        for port in range(first, min(first + _TRIED_PORTS, 65536)):
            try:
                self._server = _Server((self._settings.metrics_host, port), self._handler())
                break
            except OSError:
                continue
        if self._server is None:
            log.error("worker.metrics_ports_taken", first=first)
            return
        log.info("worker.metrics", port=self.port)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str, address: str, headers: Message) -> tuple[int, str, bytes]:
        """Status, media type and body."""
        if path == "/healthz":
            return 200, "application/json", b'{"status": "up"}'
        if path == "/readyz":
            reason = self._why_not()
            if reason is None:
                return 200, "application/json", b'{"status": "ready"}'
            return 503, "application/json", f'{{"status": "waiting", "reason": "{reason}"}}'.encode()
        if path == "/metrics" and exposition.may_read(self._settings, address, dict(headers.items())):
            return 200, exposition.CONTENT_TYPE, exposition.text(*self._collectors)
        return 404, "text/plain", b""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            timeout = _SLOWEST_SECONDS

            def do_GET(self) -> None:
                status, kind, body = answer(self.path, self.client_address[0], self.headers)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the library's lines hold addresses."""

        return Handler
