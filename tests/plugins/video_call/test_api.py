"""What other plugins plan with: plugins.video_call.api."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import audit, db, notifications, patients
from plugins.video_call import api, states
from tests.plugins.video_call.conftest import clinician
from tests.support.house import House


def test_another_plugin_plans_a_consultation_once_and_sees_how_it_stands(house: House) -> None:
    at, id = db.utcnow() + timedelta(days=3), db.uuid7()
    patient_id = house.patient_id(house.riverside, "Whitfield")
    for _again in range(2):
        with house.at(house.riverside), audit.use_actor(clinician(house)):
            made = api.invite(patients.get(patient_id), api.Wish(["email"], at=at), id=id)
            assert (made.id, made.patient_id, made.state, made.scheduled_at, made.outcome) == (
                id, patient_id, states.SCHEDULED, at, None,
            )  # fmt: skip
    with house.at(house.riverside), audit.use_actor(clinician(house)):
        assert len(notifications.about(id)) == 1
        assert api.cancel(id).state == states.ENDED
        found = api.find(id)
        assert found is not None
        assert (found.state, found.outcome, found.holder_name) == (states.ENDED, "unsuccessful", "Amira Khan")
        with pytest.raises(api.WrongState):
            api.move(id, at + timedelta(days=1))


def test_a_consultation_of_another_practice_does_not_exist(house: House) -> None:
    with house.at(house.riverside), audit.use_actor(clinician(house)):
        patient = patients.get(house.patient_id(house.riverside, "Whitfield"))
        made = api.invite(patient, api.Wish(["email"]))
    with house.at(house.lumiere), audit.use_actor(clinician(house)):
        assert api.find(made.id) is None
        for act in (api.cancel, lambda id: api.move(id, db.utcnow())):
            with pytest.raises(LookupError):
                act(made.id)
