"""core.server makes a process green before anything else, or says why it will not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import server

ROOT = Path(__file__).parents[3]

_TEN_SLEEPS = """
import sys, threading, time
from core import server
server.make_green(sys.argv[1])
from sqlalchemy import create_engine, text
engine = create_engine(sys.argv[2], pool_size=10)
def sleep():
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.5)"))
threads = [threading.Thread(target=sleep) for _ in range(10)]
begun = time.monotonic()
for thread in threads: thread.start()
ticks = 0
while any(thread.is_alive() for thread in threads):
    time.sleep(0.01)
    ticks += 1
print(time.monotonic() - begun, ticks)
"""


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.postgresql
@pytest.mark.parametrize("mode", server.MODES)
def test_ten_slow_queries_take_the_time_of_one_and_the_hub_goes_on(mode: str, postgres_server: str) -> None:
    done = _run("-W", "error", "-c", _TEN_SLEEPS, mode, postgres_server)
    assert done.returncode == 0, done.stderr
    seconds, ticks = done.stdout.split()
    assert float(seconds) < 2.5  # one after the other they take five
    assert int(ticks) > 20


@pytest.mark.parametrize("mode", ["eventlet", "gevent"])
def test_it_refuses_to_come_too_late(mode: str) -> None:
    done = _run("-c", f"import flask; from core import server; server.make_green({mode!r})")
    assert "ServerRefused: imported before" in done.stderr


def test_it_refuses_a_driver_that_blocks() -> None:
    script = "from core import server; import psycopg2; server._check_psycopg2()"
    assert "ServerRefused: psycopg2 would block the hub" in _run("-c", script).stderr


def test_threading_mode_does_not_serve_production() -> None:
    done = _run(
        "-m", "core.server", "--mode", "threading",
        CAREROOM_ENVIRONMENT="production", CAREROOM_SECRET_KEY="s" * 40, CAREROOM_MASTER_KEY="A" * 43,
        CAREROOM_EMAIL_BACKEND="smtp", CAREROOM_SMS_BACKEND="twilio",
        CAREROOM_TWILIO_ACCOUNT_SID="AC0", CAREROOM_TWILIO_AUTH_TOKEN="t", CAREROOM_TWILIO_FROM="+447700900000",
    )  # fmt: skip
    assert done.returncode == 1
    assert "use eventlet or gevent" in done.stderr


def test_the_mode_comes_from_the_environment_or_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAREROOM_ASYNC_MODE", raising=False)
    monkeypatch.delenv("CAREROOM_ENV_FILE", raising=False)
    assert server._parse([]).mode == "eventlet"
    (tmp_path / "env").write_text("CAREROOM_ASYNC_MODE=gevent\n")
    monkeypatch.setenv("CAREROOM_ENV_FILE", str(tmp_path / "env"))
    assert server._parse([]).mode == "gevent"
    monkeypatch.setenv("CAREROOM_ASYNC_MODE", "threading")
    assert server._parse([]).mode == "threading"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/l/abcDEF123", "/l/-"),
        ("/l/abcDEF123/", "/l/-/"),
        ("/l/abc/def", "/l/-/def"),
        ("/join/abcDEF123", "/join/-"),
        ("/new-password/abcDEF123", "/new-password/-"),
        ("/p/riverside/", "/p/riverside/"),
        ("/a\r\nGET /b 200", "/a??GET /b 200"),
        ("/l/", "/l/"),
    ],
)
def test_a_logged_path_holds_no_token_and_no_line_break(path: str, logged: str) -> None:
    assert server.masked(path) == logged
