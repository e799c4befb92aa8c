"""The line of 200 calls beside bare Socket.IO in the same kind of process: how long a signal takes from page to page,
and what a patient who waits costs in memory.

Ours checks ticket, schema, rate and who may meet whom, and keeps each signal until it is acknowledged; the floor hands
it on. Wall time, so only a quiet machine's figure says something.
"""

import os
import sys
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks.bench_realtime import asking, prepare, resident, serving
from benchmarks.measure import Row, in_child, wait_for_port

HERE: Final = Path(__file__).resolve().parent
CALLS: Final = 200
ROUNDS: Final = 6


def prepare_calls(folder: str) -> dict[str, str]:
    """The same with calls that are on, each of a clinician and a patient of its own."""
    from sqlalchemy import select

    from core import db
    from core.patients import Patient
    from core.sdk import utcnow
    from plugins.video_call import participants
    from plugins.video_call.models import CLINICIAN, PATIENT, Call
    from tests.support.databases import settings_for

    said = prepare(folder)
    db.configure(settings_for(said["CAREROOM_DATABASE_URL"], Path(folder), async_mode="eventlet"))
    with db.scope(UUID(said["BENCH_PRACTICE"])) as session:
        patient = session.scalars(select(Patient)).first()
        assert patient is not None
        for number in range(CALLS):
            staff = {"clinician_id": f"c{number}", "clinician_name": "C", "invited_by": "1"}
            call = Call(
                patient_id=patient.id, state="admitted", invited_by_name="C", channels=[],
                expires_at=utcnow() + timedelta(days=1), **staff,
            )  # fmt: skip
            session.add(call)
            session.flush()
            participants.add(call, CLINICIAN, f"c{number}", "C")
            participants.add(call, PATIENT, f"p{number}", "P")
    db.dispose()
    return said


def ours() -> tuple[float, float]:
    """p99 in milliseconds, kilobytes of a patient."""
    from tests.support.servers import free_port

    with tempfile.TemporaryDirectory() as folder:
        said = in_child(prepare_calls, folder)
        port = free_port()
        command = [sys.executable, "-m", "core.server", "--mode", "eventlet", "--port", str(port)]
        app = "benchmarks.video_line_app:create_app"
        with serving([*command, "--app", app], {**os.environ, **said}) as server:
            return _measure(server, port, said["BENCH_PRACTICE"])


def floor() -> tuple[float, float]:
    """The same of bare Socket.IO."""
    from tests.support.servers import free_port

    port = free_port()
    with serving([sys.executable, "-m", "benchmarks.bare_sockets", str(port)], dict(os.environ)) as server:
        return _measure(server, port)


def _measure(server: int, port: int, *practice: str) -> tuple[float, float]:
    wait_for_port(port, server)
    with asking(HERE / "call_load.mjs", f"http://127.0.0.1:{port}", *practice) as ask:
        ask("connect patient 1")  # what the first connection brings in is not one connection's
        before = resident(server)
        ask(f"connect patient {CALLS}")
        memory = (resident(server) - before) / (CALLS - 1)
        ask(f"connect clinician {CALLS}")
        ask("relay 1")
        return float(ask(f"relay {ROUNDS}")["p99"]), memory


def rows() -> Iterable[Row]:
    (mine, memory), (bare, least) = ours(), floor()
    note = f"{CALLS} calls, about 50 signals a second, each kept until acknowledged; wall time"
    yield Row("a signal from page to page, p99", mine, "bare Socket.IO", bare, "ms", 4.0, note)
    yield Row("memory of a waiting patient", memory, "bare Socket.IO", least, "kB", 3.0, f"{CALLS} waiting")
