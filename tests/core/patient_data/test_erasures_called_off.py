"""Somebody calls an erasure off and the worker begins it, each in a connection of its own: one of them wins."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from uuid import UUID

import pytest

from core import audit
from core.errors import Refused
from core.jobs.service import running_for
from core.patient_data import (
    Erased,
    PatientDataContext,
    erasures,
)
from core.patients import PatientNotFound, get
from tests.core.patient_data.conftest import HELEN
from tests.core.patient_data.erasing import seen
from tests.support.house import House


def _requested(house: House) -> tuple[UUID, UUID]:
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside), audit.use_actor(HELEN):
        return patient_id, erasures.request(get(patient_id)).id


@pytest.mark.postgresql
def test_it_is_not_called_off_when_the_worker_was_quicker(house: House) -> None:
    patient_id, erasure_id = _requested(house)
    with pytest.raises(Refused), house.at(house.riverside):
        page = erasures.get(erasure_id)
        assert page is not None
        assert page.state == "queued"
        house.work()
        erasures.withdraw(page)
    assert seen(house, house.riverside, erasure_id).state == "done"
    with house.at(house.riverside, write=False):
        with pytest.raises(PatientNotFound):
            get(patient_id)
        told = [entry.action for entry in audit.history(patient_id=patient_id, limit=500)]
    assert "patient.erasure_withdrawn" not in told


@pytest.mark.postgresql
def test_it_is_not_called_off_while_it_is_being_erased(house: House, install: Callable[..., None]) -> None:
    refused = []

    def erase_patient(ctx: PatientDataContext) -> list[Erased]:
        if not ctx.preview:
            with pytest.raises(Refused) as refusal, house.at(house.riverside):
                page = erasures.get(erasure_id)
                assert page is not None
                erasures.withdraw(page)
            refused.append(refusal.value.code)
        return [Erased("diary entries", 3)]

    install("diary", erase_patient=erase_patient)
    _patient_id, erasure_id = _requested(house)
    house.work()
    assert refused == ["too_late"]
    assert seen(house, house.riverside, erasure_id).state == "done"


@pytest.mark.postgresql
def test_the_worker_leaves_alone_what_is_called_off_as_it_begins(house: House) -> None:
    patient_id, erasure_id = _requested(house)

    def work() -> None:
        with running_for(house.riverside):
            erasures.erase({"erasure_id": str(erasure_id)})

    worker = Thread(target=work)
    with house.at(house.riverside):
        page = erasures.get(erasure_id)
        assert page is not None
        erasures.withdraw(page)
        worker.start()
        worker.join(0.5)
        assert worker.is_alive()  # it waits for us
    worker.join(30)
    assert not worker.is_alive()
    assert seen(house, house.riverside, erasure_id).state == "withdrawn"
    with house.at(house.riverside, write=False):
        assert get(patient_id).active


@pytest.mark.both_databases
def test_one_that_is_done_or_called_off_stays_so(house: House) -> None:
    patient_id, erasure_id = _requested(house)
    with house.at(house.riverside):
        page = erasures.get(erasure_id)
        assert page is not None
        erasures.withdraw(page)
    with running_for(house.riverside):
        with house.at(house.riverside):
            erasures._erase(erasure_id)
        erasures._failed(erasure_id, "diary", "RuntimeError")
    found = seen(house, house.riverside, erasure_id)
    assert (found.state, found.failed_owner) == ("withdrawn", None)
    with house.at(house.riverside):
        again = erasures.get(erasure_id)
        assert again is not None
        erasures.retry(again)
    house.work()
    assert seen(house, house.riverside, erasure_id).state == "withdrawn"
    with house.at(house.riverside, write=False):
        assert get(patient_id).active
