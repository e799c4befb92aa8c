"""How long an echo over the bus takes while patients send photos of 12 megapixels: the web process and the worker as
`careroom serve` runs them, real uploads in parts (tus), encrypted and stored, then rendered by the worker's child.

By the wall, in the clients: that is what a person feels. So a busy machine spoils it.
"""

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from benchmarks.bench_pictures import photo
from benchmarks.measure import Row, in_child

HERE: Final = Path(__file__).resolve().parent
CLIENTS: Final = 20
ROUNDS: Final = 150  # of an echo in 50 ms on average
PHONES: Final = 2
PART: Final = 1024 * 1024  # bytes, as the page's script sends them
LIMIT_MS: Final = 20.0


def measure(folder: str) -> tuple[float, float, int]:
    """Milliseconds: p99 of an echo at rest, p99 meanwhile; and how many photos arrived meanwhile."""
    from core import db
    from core.tenancy import find_by_slug
    from tests.faults.files.phone import sending
    from tests.support.databases import SqliteTemplate
    from tests.support.running import Careroom

    class WithEcho(Careroom):
        def _run(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
            more = ("--app", "benchmarks.uploads_app:create_app") if module == "core.server" else ()
            return super()._run(module, *arguments, *more)

    place = Path(folder)
    with SqliteTemplate(place, seeded=True).copy(place) as url:
        careroom = WithEcho(
            url, place, messages_per_recipient_hour=100_000, messages_per_recipient_day=100_000
        )
        careroom.start()
        try:
            with careroom.inside():
                with db.scope(write=False):
                    practice = find_by_slug("riverside").id
                load = _Load(careroom.url, practice)
                load.ask(f"connect {CLIENTS}")
                load.ask("calm 20")
                rest = load.ask(f"calm {ROUNDS}")
                content = photo()
                stop = threading.Event()
                with sending(
                    _phones(careroom.url, practice, stop),
                    lambda: [content] * 2,
                    at_once=PHONES,
                    chunk=PART,
                    stop=stop,
                ) as used:
                    busy = load.ask(f"calm {ROUNDS}")
                load.end()
                failures = [said for phone in used for said in phone.failures]
                assert not failures, failures
                sent = sum(len(phone.acknowledged) for phone in used)
            return rest["p99"], busy["p99"], sent
        finally:
            careroom.stop()


class _Load:
    """socket_load.mjs as a process."""

    def __init__(self, url: str, practice: UUID) -> None:
        self._process = subprocess.Popen(
            ["node", str(HERE / "socket_load.mjs"), url, str(practice)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"the load broke off at {line!r}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def _phones(url: str, practice: UUID, stop: threading.Event) -> Iterator[Any]:
    """A new request for photos each time, of one patient after the other."""
    from sqlalchemy import select

    from core import db, notifications, tenancy
    from core.patients import Patient
    from plugins.photo_request import service
    from tests.faults.files.phone import Phone

    with tenancy.practice_scope(practice, write=False) as session:
        people = session.scalars(select(Patient).where(Patient.email.is_not(None))).all()
    number = 0
    while True:
        chosen, number = people[number % len(people)], number + 1
        with tenancy.practice_scope(practice):
            patient = db.session().get_one(Patient, (practice, chosen.id))
            request = service.request_photos(patient, channels=["email"])
            body = notifications.about(request.id)[0].body
            path = next(word for word in body.split() if "/l/" in word).removeprefix(url)
            born = patient.birth_date
        yield Phone(url, path, (born.day, born.month, born.year), stop)


def rows() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as folder:
        rest, busy, sent = in_child(measure, folder)
    note = f"{CLIENTS} clients, {sent} photos of 12 MP meanwhile; at rest {rest:.1f} ms"
    yield Row("p99 of an echo during uploads", busy, "the design's limit", LIMIT_MS, "ms", 1.0, note)
