"""Logs hold no personal data: not even in what an exception says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import structlog

from core import observability
from core.demo import PEOPLE
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos


def test_an_exceptions_text_stays_out_of_the_log(capsys: pytest.CaptureFixture[str], house: House) -> None:
    observability.configure(
        house.settings.model_copy(update={"environment": "production", "sms_backend": "twilio"})
    )
    try:
        raise ValueError("Margaret Whitfield")
    except ValueError:
        structlog.get_logger("test").exception("something_failed", endpoint="patients.show")
    line = capsys.readouterr().err
    assert "something_failed" in line
    assert "ValueError" in line
    assert "test_logs.py" in line, "the place is there"
    assert "Whitfield" not in line


def test_a_day_of_work_logs_no_seeded_patient(
    house: House, visitor: Callable[[], Visitor], capfd: pytest.CaptureFixture[str]
) -> None:
    observability.configure(house.settings.model_copy(update={"environment": "development"}))
    ids = a_request_with_photos(house, house.riverside)
    helen = visitor()
    helen.sign_in("helen")
    pages: list[Any] = [
        helen.get("/p/riverside/"),
        helen.get("/p/riverside/patients"),
        helen.post("/p/riverside/patients", {"q": "Whitfield"}),
        helen.get(f"/p/riverside/patients/{ids['patient_id']}"),
        helen.get("/dev/outbox/"),
    ]
    assert any("Whitfield" in page.get_data(as_text=True) for page in pages)
    out, err = capfd.readouterr()
    for people in PEOPLE.values():
        for given, family, _born, _sex, mobile, email, _language in people:
            for secret in (family, mobile, email, f"{given} {family}"):
                assert not secret or secret not in out + err, secret
