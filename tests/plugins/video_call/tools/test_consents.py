"""Every rule about the patient's consent, held by the server whatever a page says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core import db, i18n, tenancy
from core.patient_data import PatientDataContext
from core.sdk import SocketRefused
from plugins.video_call import consents, controls, hooks, recording, service
from plugins.video_call.errors import AskedTooSoon, ConsentMissing, NotYours, RecordingRefused, WrongState
from plugins.video_call.models import Consent
from tests.plugins.video_call.conftest import Handset, Made
from tests.plugins.video_call.tools.conftest import Talk

pytestmark = pytest.mark.both_databases


def decide(talk: Talk, kind: str, body: object = None, *, by_patient: bool = False) -> controls.Decision:
    with talk.patient() if by_patient else talk.clinician() as (call, me):
        return controls.decide(call, me, kind, body)


def test_what_is_asked_and_answered_is_kept_word_for_word_with_its_language(talk: Talk) -> None:
    asked = talk.ask(consents.CAMERA)
    assert talk.consent(asked).state == "asked"
    with talk.patient() as (call, _me), i18n.use_language("fr"):
        consents.answer(call, asked, granted=True)
        shown = consents.wording(consents.CAMERA, call.clinician_name)
    kept = talk.consent(asked)
    assert (kept.state, kept.language, kept.wording) == ("granted", "fr", shown)
    assert kept.answered_at is not None
    assert talk.trail("video_call.consent") == ["video_call.consent_asked", "video_call.consent_granted"]


def test_camera_is_switched_and_zoomed_only_under_a_grant_that_the_patient_can_take_back(talk: Talk) -> None:
    for kind, body in (("camera_switch", {}), ("camera_zoom", {"level": 2})):
        with pytest.raises(ConsentMissing):
            decide(talk, kind, body)
    grant = talk.grant(consents.CAMERA)
    assert decide(talk, "camera_switch").receivers
    assert decide(talk, "camera_zoom", {"level": 2.5}).body == {"level": 2.5}
    assert talk.ask(consents.CAMERA) == grant  # one grant a call: it is not asked for again
    with talk.patient() as (call, _me):
        consents.revoke(call, grant)
    with pytest.raises(ConsentMissing):
        decide(talk, "camera_switch")
    assert talk.trail("video_call.consent")[-1] == "video_call.consent_revoked"


def test_refused_is_refused_and_an_answer_counts_once(talk: Talk) -> None:
    asked = talk.ask(consents.CAMERA)
    talk.answer(asked, granted=False)
    with pytest.raises(ConsentMissing):
        decide(talk, "camera_zoom", {"level": 2})
    with pytest.raises(WrongState):
        talk.answer(asked, granted=True)
    assert talk.consent(asked).state == "refused"


def test_the_patients_microphone_is_off_at_once_and_on_only_by_the_patients_tap(talk: Talk) -> None:
    with talk.patient() as (_call, patient):
        patient_id = patient.id
    off = decide(talk, "mic_off")
    assert (off.receivers, off.body) == ((patient_id,), {})
    on = decide(talk, "ask_mic_on")
    assert on.answer["state"] == "asked"
    assert "mic_on" not in controls.CONTROLS
    assert "camera_on" not in controls.CONTROLS
    assert "video_call.control" in talk.trail()


@pytest.mark.parametrize(
    "kind", ["mic_off", "camera_off", "ask_camera_control", "camera_switch", "ask_recording"]
)
def test_the_patients_page_controls_nobody(talk: Talk, kind: str) -> None:
    with pytest.raises(SocketRefused, match="not_yours"):
        decide(talk, kind, by_patient=True)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("camera_zoom", {"level": 99}), ("mic_off", {"x": 1}), ("board", {"board": "wall", "open": True})],
)
def test_what_no_page_of_ours_says_is_refused(talk: Talk, kind: str, body: object) -> None:
    with pytest.raises(SocketRefused, match="malformed"):
        decide(talk, kind, body)


def test_a_still_needs_a_consent_of_its_own_for_each_picture(talk: Talk) -> None:
    talk.grant(consents.CAMERA)
    with talk.clinician() as (call, _me):
        assert consents.holding(call, consents.STILL) is None
    granted = talk.grant(consents.STILL)
    with talk.clinician() as (call, _me):
        found = consents.holding(call, consents.STILL)
        assert found is not None
        assert found.id == granted
    with talk.house.at(talk.made.practice_id) as session:
        row = session.get_one(Consent, (talk.made.practice_id, granted))
        row.answered_at = db.utcnow() - timedelta(minutes=6)
    with talk.clinician() as (call, _me):
        assert consents.holding(call, consents.STILL) is None  # "now" does not last


def test_recording_is_off_by_default(talk: Talk) -> None:
    with pytest.raises(RecordingRefused), talk.clinician() as (call, me):
        controls.decide(call, me, "ask_recording", {"what": "audio"})


def test_recording_is_blocked_until_consent_is_stored_and_when_it_is_taken_back(talk: Talk) -> None:
    talk.set(recording="video")

    def granted(what: str) -> Consent:
        with talk.clinician() as (call, me):
            return recording.granted(call, me, what)

    with pytest.raises(ConsentMissing):
        granted("video")
    grant = talk.grant(consents.VIDEO)
    assert granted("video").id == grant
    with pytest.raises(ConsentMissing):
        granted("audio")  # each is asked for by its own words
    with talk.patient() as (call, me):
        with pytest.raises(NotYours):
            recording.granted(call, me, "video")
        consents.revoke(call, grant)
    with pytest.raises(ConsentMissing):
        granted("video")


def test_in_france_the_video_may_not_be_kept_and_the_page_says_so(talk: Talk) -> None:
    talk.set(recording="video")
    with talk.house.at(talk.made.practice_id) as session:
        from core.tenancy import Practice

        session.get_one(Practice, talk.made.practice_id).country = "FR"
    with talk.clinician() as (call, me):
        rule = recording.rule()
        assert rule.what == "audio"
        assert "law" in rule.warning
        with pytest.raises(RecordingRefused) as refused:
            controls.decide(call, me, "ask_recording", {"what": "video"})
        assert refused.value.message == rule.warning
        assert controls.decide(call, me, "ask_recording", {"what": "audio"}).answer["state"] == "asked"


def test_no_grant_outlives_the_call(talk: Talk) -> None:
    grant = talk.grant(consents.CAMERA)
    asked = talk.ask(consents.STILL)
    with talk.clinician() as (call, _me):
        service.end(call, "clinician")
    with talk.clinician() as (call, me):
        assert consents.holding(call, consents.CAMERA) is None
        assert consents.as_json(call, "patient") == []
        with pytest.raises(WrongState):
            consents.ask(call, me, consents.STILL)
        with pytest.raises(WrongState):
            consents.answer(call, asked, granted=True)
    assert talk.consent(grant).state == "granted"  # what was agreed to stays on record


def test_a_hold_pauses_what_was_granted_and_only_the_patient_takes_it_back(talk: Talk) -> None:
    def states() -> dict[str, str]:
        with talk.clinician() as (call, _me):
            return {one["kind"]: one["state"] for one in consents.as_json(call, "clinician")}

    grant = talk.grant(consents.CAMERA)
    talk.ask(consents.STILL)
    with talk.clinician() as (call, _me):
        service.hold(call)
    assert states() == {consents.CAMERA: "paused"}  # and nothing is asked meanwhile
    with talk.clinician() as (call, _me):
        service.resume(call)
    assert states() == {consents.CAMERA: "granted", consents.STILL: "asked"}
    with talk.patient() as (call, _me):
        consents.revoke(call, grant)
    assert states()[consents.CAMERA] == "revoked"


def test_a_question_that_was_taken_back_is_nobodys_yes(talk: Talk, enter: Callable[[Made], Handset]) -> None:
    phone, asked = enter(talk.made), talk.ask(consents.CAMERA)
    with talk.clinician() as (call, _me):
        consents.withdraw(call, asked)
        assert consents.as_json(call, "clinician") == []
    kept = talk.consent(asked)
    assert (kept.state, kept.answered_at) == ("withdrawn", None)
    late = phone.visitor.post(
        f"{phone.place}/consents/{asked}",
        json.dumps({"granted": True}),
        content_type="application/json",
        headers={"Accept": "application/json", "X-Client": "phone"},
    )
    assert late.status_code == 409
    assert talk.trail("video_call.consent")[-1] == "video_call.consent_withdrawn"
    with talk.clinician() as (call, _me):
        part = hooks.export_patient(PatientDataContext(tenancy.current(), service.patient_of(call)))[0]
        assert [one["answer"] for one in part.content[0]["agreements"]] == [
            "No answer: the question was taken back"
        ]
    assert talk.ask(consents.CAMERA) != asked  # it was no no: it may be asked again at once


def test_a_question_that_was_answered_is_not_taken_back(talk: Talk) -> None:
    grant = talk.grant(consents.CAMERA)
    with talk.clinician() as (call, _me), pytest.raises(WrongState):
        consents.withdraw(call, grant)
    assert talk.consent(grant).state == "granted"


def test_a_no_is_not_asked_again_at_once(talk: Talk) -> None:
    asked = talk.ask(consents.CAMERA)
    talk.answer(asked, granted=False)
    with pytest.raises(AskedTooSoon, match="in a minute"):
        talk.ask(consents.CAMERA)
    talk.ask(consents.STILL)  # another question is
    with talk.house.at(talk.made.practice_id) as session:
        row = session.get_one(Consent, (talk.made.practice_id, asked))
        row.answered_at = db.utcnow() - timedelta(seconds=61)
    assert talk.ask(consents.CAMERA) != asked


def test_a_phone_that_another_took_over_from_answers_nothing(
    talk: Talk, enter: Callable[[Made], Handset]
) -> None:
    phone, asked = enter(talk.made), talk.ask(consents.CAMERA)
    with talk.patient() as (_call, me):
        me.client_id = "tablet"
    said = json.dumps({"granted": True})

    def answer(client: str) -> Any:
        url, headers = f"{phone.place}/consents/{asked}", {"Accept": "application/json", "X-Client": client}
        return phone.visitor.post(url, said, content_type="application/json", headers=headers)

    assert answer("phone").get_json()["error"]["code"] == "taken_over"
    assert talk.consent(asked).state == "asked"
    assert answer("tablet").status_code == 200
    assert talk.consent(asked).state == "granted"
