"""A guest's voice in a recording: asked once the patient has agreed, answered by the guest alone, in the trail."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from core import audit, db
from core.audit.models import AuditEntry
from core.sdk import SocketRefused
from plugins.video_call import consents, controls, guests
from plugins.video_call.errors import ConsentMissing
from plugins.video_call.models import Call, Participant
from tests.plugins.video_call.conftest import Handset
from tests.plugins.video_call.tools.conftest import Talk


def test_a_guest_is_asked_and_answers_for_themselves(
    talk: Talk, guest_of: Callable[..., tuple[UUID, Handset]]
) -> None:
    talk.set(recording="audio")
    guest_id, phone = guest_of(talk.made)
    with talk.clinician() as (call, me):
        guests.admit(call, guests.of_call(call, guest_id))
        clinician_id = me.id
        with pytest.raises(ConsentMissing):
            controls.decide(call, me, "ask_guest_recording", {"what": "audio"})
    talk.grant(consents.AUDIO)
    with talk.clinician() as (call, me):
        asked = controls.decide(call, me, "ask_guest_recording", {"what": "audio"})
        assert asked.receivers == (guest_id,)
        with pytest.raises(SocketRefused, match="not_yours"):
            controls.decide(call, me, "guest_recorded", {"agreed": True})  # nobody says yes for a guest
    with talk.patient() as (call, me), pytest.raises(SocketRefused, match="not_yours"):
        controls.decide(call, me, "guest_recorded", {"agreed": True})
    with talk.house.at(talk.made.practice_id):
        found, guest = db.get(Call, talk.made.id), db.get(Participant, guest_id)
        assert found is not None
        assert guest is not None
        with audit.use_actor(audit.Actor("patient", guest.actor_id, guest.name)):
            said = controls.decide(found, guest, "guest_recorded", {"agreed": True})
        assert (said.receivers, said.body) == ((clinician_id,), {"agreed": True})
    with talk.house.at(talk.made.practice_id, write=False) as session:
        details = [
            e.detail or {} for e in session.scalars(select(AuditEntry)) if e.action == "video_call.control"
        ]
    assert {"kind": "guest_recorded", "role": "guest", "agreed": True} in details
    page = phone.get("/").get_data(as_text=True)
    assert "May your voice be recorded, too?" in page
    assert 'data-ct="question"' in page
