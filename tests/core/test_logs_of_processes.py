"""A whole journey through real processes: their logs name nobody, and the worker logs under the request's id."""

from __future__ import annotations

import http.cookiejar
import re
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import db, demo, observability, patients
from core.notifications import Notification
from plugins.photo_request.models import Photo
from tests.faults.files.phone import Phone
from tests.journeys import photos
from tests.support.databases import SqliteTemplate
from tests.support.house import House, Visitor
from tests.support.running import Careroom, eventually, running
from tests.support.servers import free_port


class Browser:
    """Enough of one: cookies, forms, CSRF."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(self._jar)

    def get(self, path: str) -> str:
        with self._opener.open(urllib.parse.urljoin(self._url, path), timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str, fields: dict[str, object], form: str | None = None) -> str:
        page = self.get(form or path)
        token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        token = token or page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
        body = urllib.parse.urlencode({**fields, "csrf_token": token}, doseq=True).encode()
        with self._opener.open(urllib.parse.urljoin(self._url, path), body, timeout=20) as answer:
            return str(answer.read().decode())


def secrets_of_the_seeded() -> set[str]:
    """Every name, number, address and date of birth of the demonstration's patients."""
    found: set[str] = set()
    for people in demo.PEOPLE.values():
        for given, family, born, _sex, mobile, email, _language in people:
            found |= {given, family, str(born), mobile or "", email or ""}
    return {one for one in found if len(one) > 2}


@pytest.fixture
def careroom(seeded_sqlite_template: SqliteTemplate, tmp_path: Path) -> Any:
    with (
        seeded_sqlite_template.copy(tmp_path) as url,
        running(url, tmp_path, log_level="info", metrics_port=free_port()) as made,
        made.inside(),
    ):
        yield made


def sent_and_rendered(careroom: Careroom, path: str, born: tuple[int, int, int]) -> None:
    """The patient sends a photo, and the worker makes its pictures."""
    phone = Phone(careroom.url, path, born, threading.Event())
    phone.enter()
    phone.send([photos.jpeg(1)["buffer"]], 256 * 1024)
    (photo_id,) = phone.acknowledged

    def ready() -> bool:
        with careroom.at("riverside") as session:
            photo = session.query(Photo).filter_by(uuid=photo_id).one()
            return photo.state == "ready"

    eventually(ready, 30, "the picture")


def every_line_has_its_id(log: str) -> bool:
    """Each line about a request of a page carries the id that the request's other lines have."""
    lines = [line for line in log.splitlines() if re.search(r"(GET|POST|PATCH) /\S* \d{3} \d+ ms", line)]
    assert lines
    bare = [line for line in lines if "request_id" not in line]
    assert not bare, bare[:3]
    return True


def test_a_journey_of_photos_is_logged_without_naming_anybody(careroom: Careroom) -> None:
    with careroom.at("riverside", write=True):
        patient = next(one for one in patients.search("Whitfield") if one.email)
        patient_id, born = patient.id, patient.birth_date
    amira = Browser(careroom.url)
    amira.post("/login", {"username": "amira", "password": demo.PASSWORD})
    amira.get(f"/p/riverside/patients/{patient_id}")
    new = f"/p/riverside/photo_request/patients/{patient_id}/new"
    amira.post(new, {"channels": ["email"], "note": "Please hold a coin beside it", "id": str(db.uuid7())})

    def delivered() -> Notification | None:
        with careroom.at("riverside") as session:
            row = session.query(Notification).order_by(Notification.created_at.desc()).first()
            return row if row is not None and row.state == "delivered" else None

    message = eventually(delivered, what="the delivery")
    token = re.search(r"/l/([a-z2-7]{32})", message.body)
    assert token
    phone = Browser(careroom.url)
    answer = phone.post(token.group(), {"day": born.day, "month": born.month, "year": born.year})
    assert "photo" in answer.lower()
    with urllib.request.urlopen(f"http://127.0.0.1:{careroom.settings.metrics_port}/metrics") as told:
        assert 'careroom_deliveries_total{channel="email",result="taken"} 1.0' in told.read().decode()
    with urllib.request.urlopen(f"http://127.0.0.1:{careroom.settings.metrics_port}/readyz") as told:
        assert told.status == 200
    sent_and_rendered(careroom, token.group(), (born.day, born.month, born.year))
    logs = {name: careroom.log(name, lines=10_000) for name in ("core.server", "core.cli")}
    assert every_line_has_its_id(logs["core.server"])
    assert logs["core.server"].count("/p/riverside/photo_request/patients/") >= 2, "the log is there"
    assert "worker.started" in logs["core.cli"]
    for name, log in logs.items():
        assert token.group(1) not in log, name
        assert "coin beside" not in log, name
        for secret in secrets_of_the_seeded():
            assert not re.search(rf"(?<![\w]){re.escape(secret)}(?![\w])", log), (name, secret)


# --- errors --------------------------------------------------------------------------------------------------------


def test_a_view_that_raises_with_a_patients_data_logs_place_and_type(
    house: House,
    visitor: Callable[[], Visitor],
    app: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    observability.configure(house.settings.model_copy(update={"log_level": "info"}))

    def breaks(**values: Any) -> str:
        patient = patients.search("Whitfield")[0]
        try:
            db.session().execute(
                text("SELECT nothing FROM nowhere WHERE name = :n"), {"n": patient.family_name}
            )
        except SQLAlchemyError as error:
            raise RuntimeError(f"{patient.display_name} {patient.email}: {error}") from error
        raise AssertionError

    monkeypatch.setitem(app.view_functions, "patients.index", breaks)
    amira = visitor()
    amira.sign_in("amira")
    answer = amira.get("/p/riverside/patients")
    assert answer.status_code == 500
    written = "".join(capfd.readouterr())
    assert "request_failed" in written
    assert answer.headers["X-Request-ID"] in written
    assert "Whitfield" not in written
    assert "Whitfield" not in answer.get_data(as_text=True)


def test_parameters_of_a_failed_statement_are_not_in_its_exception(house: House) -> None:
    with db.engine().connect() as connection, pytest.raises(SQLAlchemyError) as caught:
        connection.execute(text("SELECT nothing FROM nowhere WHERE name = :n"), {"n": "Whitfield"})
    assert "Whitfield" not in str(caught.value)


def test_the_standard_librarys_loggers_are_held_to_the_same(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    import logging

    observability.configure(house.settings.model_copy(update={"log_level": "info"}))
    try:
        raise ValueError("Margaret Whitfield")
    except ValueError:
        logging.getLogger("core.realtime.bus").exception("a ticket could not be checked")
    logging.getLogger("urllib3").info("GET /Whitfield")
    written = "".join(capfd.readouterr())
    assert "a ticket could not be checked" in written
    assert "ValueError" in written
    assert "Whitfield" not in written
