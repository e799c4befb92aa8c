"""The web server, and the one module that imports eventlet or gevent.

Run as ``python -m core.server`` in a process of its own: a green mode replaces the standard library's blocking
parts, and that must come before anything else is imported. So everything above :func:`main` imports the
standard library only, and the application is imported after the replacement.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import os
import re
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

log = logging.getLogger("careroom.server")
access_log = logging.getLogger("careroom.access")

MODES = ("eventlet", "gevent", "threading")
_GRACE_SECONDS = 10.0
_GREEN_CONNECTIONS = 10_000  # eventlet's default of 1024 would be the limit of sockets too
_IDLE_SECONDS = 65  # a keep-alive connection, or a request that never ends its headers


class ServerRefused(RuntimeError):
    """The server will not start like this; the message says what to change."""


class Listener(Protocol):
    """A running WSGI server of one mode."""

    def stop(self, seconds: float) -> None:
        """Accept nothing more, and let requests end for so long."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Nothing of Careroom may have been imported in this process before."""
    given = _parse(arguments)
    make_green(given.mode)

    from core import settings

    chosen = settings.from_environment().model_copy(update={"async_mode": given.mode})
    if given.mode == "threading" and chosen.environment == "production":
        raise ServerRefused(
            "CAREROOM_ASYNC_MODE=threading serves by Werkzeug's development server: use eventlet or gevent"
        )
    app = _factory(given.app)(chosen)
    _wait_for_disks_elsewhere(given.mode)
    _measure_the_hub()
    _check_database(chosen)
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    _spare_the_collector()
    listener = listen(given.mode, AccessLog(app), given.host, given.port)
    log.info("listening on %s:%s in %s mode", given.host, given.port, given.mode)
    while not stopping:
        # A signal does not wake the hub from its poll, so look; the pause is the longest wait for a stop.
        time.sleep(0.2)
    log.info("stopping")
    if "careroom_bus" in app.extensions:
        app.extensions["careroom_bus"].stop()
    listener.stop(_GRACE_SECONDS)
    return 0


def _spare_the_collector() -> None:
    """What is imported and set up stays, so the garbage collector need not walk through it.

    Everybody waits while it walks: with 400 connections a quarter of a second at a time, a fifth of that after this.
    """
    gc.collect()
    gc.freeze()


def _check_database(chosen: Any) -> None:
    """Raises ServerRefused in production when PostgreSQL does not keep the practices apart by itself."""
    from core.db import NotProtected, roles

    try:
        roles.check_at_boot(chosen)
    except NotProtected as problem:
        raise ServerRefused(str(problem)) from None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m core.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--mode", choices=MODES, default=_mode_of_environment())
    parser.add_argument("--app", default="core.app:create_app", help="module:function(settings) -> Flask")
    return parser.parse_args(arguments)


def _mode_of_environment() -> str:
    """CAREROOM_ASYNC_MODE, or what the file of CAREROOM_ENV_FILE says: settings cannot be imported yet."""
    mode = os.environ.get("CAREROOM_ASYNC_MODE")
    name = os.environ.get("CAREROOM_ENV_FILE")
    if mode is None and name:
        from dotenv import dotenv_values

        mode = dotenv_values(name).get("CAREROOM_ASYNC_MODE")
    return mode or "eventlet"


def make_green(mode: str) -> None:
    """Replace what blocks, for this mode. Raises ServerRefused when it is too late, or psycopg2 still blocks."""
    if mode == "threading":
        return
    too_early = sorted({name.partition(".")[0] for name in sys.modules} & {"flask", "sqlalchemy", "socketio"})
    if too_early:
        raise ServerRefused(f"imported before the {mode} mode was set up: {', '.join(too_early)}")
    if mode == "eventlet":
        _patch_by_eventlet()
    else:
        _patch_by_gevent()
    _check_psycopg2()


def _wait_for_disks_elsewhere(mode: str) -> None:
    """A green server answers others while one waits for the disk: real threads do the waiting."""
    from core.files import elsewhere

    if mode == "eventlet":
        from eventlet import tpool

        elsewhere.use(tpool.execute)
    elif mode == "gevent":
        import gevent

        pool = gevent.get_hub().threadpool
        elsewhere.use(lambda function, *arguments: pool.apply(function, arguments))


def _measure_the_hub() -> None:
    """From the start, so that the first look at /metrics has something to tell."""
    from core.observability import hub_lag

    hub_lag.start()


def _patch_by_eventlet() -> None:
    with warnings.catch_warnings():
        # Upstream announces eventlet's retirement at import; why it is still the default: docs/decisions.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated", category=Warning)
        import eventlet
    eventlet.monkey_patch()  # psycopg2 is part of it


def _patch_by_gevent() -> None:
    from gevent import monkey

    monkey.patch_all()
    try:
        from psycopg2 import OperationalError, extensions
    except ImportError:
        return
    from gevent.socket import wait_read, wait_write

    def wait(connection: Any, timeout: float | None = None) -> None:
        """What psycopg2 calls instead of blocking in libpq."""
        while (state := connection.poll()) != extensions.POLL_OK:
            if state == extensions.POLL_READ:
                wait_read(connection.fileno(), timeout=timeout)
            elif state == extensions.POLL_WRITE:
                wait_write(connection.fileno(), timeout=timeout)
            else:
                raise OperationalError(f"unexpected answer from poll: {state!r}")

    extensions.set_wait_callback(wait)


def _check_psycopg2() -> None:
    """A driver that blocks stops every client for the length of each query, and nobody would see why."""
    try:
        from psycopg2 import extensions
    except ImportError:
        return
    if extensions.get_wait_callback() is None:
        raise ServerRefused("psycopg2 would block the hub: its wait callback is not set")


def _factory(path: str) -> Callable[[Any], Any]:
    module, _, name = path.partition(":")
    made: Callable[[Any], Any] = getattr(importlib.import_module(module), name)
    return made


def listen(mode: str, app: Any, host: str, port: int) -> Listener:
    """Start to serve ``app`` and return. Raises OSError when the port is taken."""
    kinds: dict[str, Callable[[Any, str, int], Listener]] = {
        "eventlet": _Eventlet,
        "gevent": _Gevent,
        "threading": _Threading,
    }
    return kinds[mode](app, host, port)


class _Eventlet:
    def __init__(self, app: Any, host: str, port: int) -> None:
        import eventlet
        import eventlet.wsgi

        self._socket = eventlet.listen((host, port), backlog=512)
        self._pool = eventlet.GreenPool(_GREEN_CONNECTIONS)
        self._server = eventlet.spawn(
            eventlet.wsgi.server,
            self._socket,
            app,
            log=logging.getLogger("careroom.server.eventlet"),
            log_output=False,
            custom_pool=self._pool,
            socket_timeout=_IDLE_SECONDS,
            debug=False,
        )

    def stop(self, seconds: float) -> None:
        # Killed, the server stops accepting, closes idle connections and then waits for busy ones without end.
        self._server.kill()
        _wait_until(lambda: self._pool.running() == 0, seconds)


class _Gevent:
    def __init__(self, app: Any, host: str, port: int) -> None:
        from gevent.pywsgi import WSGIHandler, WSGIServer

        idle = self._idle = set[Any]()

        class Handler(WSGIHandler):
            """Knows when its connection only waits for another request."""

            def read_requestline(self) -> Any:
                connection = self.socket
                idle.add(connection)
                try:
                    return super().read_requestline()
                finally:
                    idle.discard(connection)

        errors = logging.getLogger("careroom.server.gevent")
        self._server = WSGIServer(
            (host, port),
            app,
            log=None,
            error_log=errors,
            backlog=512,
            spawn=_GREEN_CONNECTIONS,
            handler_class=Handler,
        )
        self._server.start()

    def stop(self, seconds: float) -> None:
        self._server.close()
        for connection in tuple(self._idle):
            # Without this every browser's idle keep-alive connection would hold the process for all the seconds.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.stop(timeout=seconds)


class _Threading:
    def __init__(self, app: Any, host: str, port: int) -> None:
        import threading

        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            """Logs nothing: Werkzeug's own lines hold addresses and query strings."""

            def log(self, type: str, message: str, *args: Any) -> None:
                pass

        self._server = make_server(host, port, app, threaded=True, request_handler=Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        self._server.shutdown()
        self._thread.join(seconds)


def _wait_until(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)


_SECRET = re.compile(r"^(/(?:l|join|new-password)/)[^/]+")


def masked(path: str) -> str:
    """A path as it may be logged: no token (link, invitation, new password), no character that forges lines."""
    return _SECRET.sub(r"\1-", "".join(c if c.isprintable() else "?" for c in path))


class AccessLog:
    """WSGI: one line a request. No address, no query string, no token: the log holds nothing personal."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        begun = time.monotonic()
        method, path = environ.get("REQUEST_METHOD", "-"), masked(environ.get("PATH_INFO", ""))
        # A WebSocket is answered below WSGI, by the driver: no status and no id pass by here.
        status, request_id = "101", None

        def watch(line: str, headers: Any, *rest: Any) -> Any:
            nonlocal status, request_id
            status = line[:3]
            request_id = next((value for name, value in headers if name == "X-Request-ID"), None)
            return start_response(line, headers, *rest)

        try:
            answer: Iterable[bytes] = self._app(environ, watch)
            return answer
        finally:
            if access_log.isEnabledFor(logging.INFO):
                with self._as_request(request_id):
                    took = (time.monotonic() - begun) * 1000
                    access_log.info("%s %s %s %d ms", method, path, status, took)

    def _as_request(self, request_id: str | None) -> Any:
        """The request is over and forgotten by now; its line carries its id as every other of its lines does."""
        from core import audit  # only once everything is green

        return audit.use_origin(request_id)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ServerRefused, OSError) as refusal:
        sys.exit(f"core.server: {refusal}")
