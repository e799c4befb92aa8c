"""Over real sockets: who may say what, what waits for whom, and what is dropped, counted and never handed on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from core import db, links
from plugins.video_call import participants, presence, service, signals
from plugins.video_call.models import PATIENT, Call, LineEntry, Participant, Signal
from tests.plugins.video_call.line.rooms import Consultation
from tests.plugins.video_call.line.wires import CallPage, other_call
from tests.support.running import eventually


@pytest.fixture
def page(made: Consultation) -> Iterator[Callable[..., CallPage]]:
    opened: list[CallPage] = []

    def make(**who: Any) -> CallPage:
        opened.append(CallPage(who.pop("at", made), **who).here())
        return opened[-1]

    yield make
    for one in opened:
        one.end()


def rows(made: Consultation, model: Any) -> list[Any]:
    with made.careroom.at("riverside") as session:
        return list(session.query(model).filter_by(call_id=made.id).all())


def test_signals_reach_the_other_page_once_admitted_and_wait_until_they_are_acknowledged(
    made: Consultation, page: Callable[..., CallPage]
) -> None:
    amira, patient = page(), page(patient=True)
    assert (seen := patient.enter())["me"]["role"] == "patient"
    assert (seen["state"], seen["talking"]) == ("ready", False)
    assert [one["role"] for one in amira.enter()["peers"]] == ["patient"]
    assert eventually(lambda: patient.heard("person"))[0]["person"]["role"] == "clinician"

    made.step("unready")
    assert amira.signal(patient) == {"ok": False, "reason": "not_allowed"}, "not before the patient is let in"
    made.admit()
    body = {"description": {"type": "offer", "sdp": "v=0"}}
    assert amira.signal(patient, kind="description", body=body)["ok"]
    told = eventually(lambda: patient.heard("signal"))[0]["signal"]
    assert (told["from"], told["kind"], told["body"]) == (amira.me, "description", body)

    # The patient's line breaks: what came meanwhile is there when it comes back, in order, until it says so.
    patient.cut()
    for number in (2, 3):
        assert amira.signal(patient, number=number, kind="candidate", body={"candidates": []})["ok"]
    patient.here()
    again = patient.enter(generation=1)
    assert [one["number"] for one in again["mailbox"]] == [1, 2, 3]
    patient.say("ack", ids=[one["id"] for one in again["mailbox"]])
    assert patient.enter(generation=1)["mailbox"] == []
    assert rows(made, Signal) == []

    # Media flows, says a page: now it is a call. What the line did is kept, without an address.
    assert amira.say("flowing")["ok"]
    assert made.state == "in_call"
    assert patient.say("line", kind="recovered", detail={"ms": 900, "relay": True})["ok"]
    assert patient.say("line", kind="recovered", detail={"address": "10.0.0.1"})["reason"] == "malformed"
    assert [(entry.role, entry.kind, entry.detail) for entry in rows(made, LineEntry)] == [
        ("patient", "recovered", {"ms": 900, "relay": True})
    ]

    # A newer page takes over: the older is told, may say nothing more, and cannot take back.
    assert patient.signal(amira, number=8)["ok"]
    newer = page(patient=True)
    assert newer.enter()["generation"] == 2
    assert eventually(lambda: patient.heard("taken_over"))[0]["by"] == newer.client_id
    assert patient.signal(amira)["reason"] == "taken_over"
    assert amira.signal(patient, number=9)["reason"] == "gone"
    assert patient.say("enter", client_id=patient.client_id, generation=1)["reason"] == "taken_over"
    assert newer.signal(amira)["ok"]
    # What the older page said is of no use to anybody who reads it now.
    assert [one["client_id"] for one in amira.enter(generation=1)["mailbox"]] == [newer.client_id]


def test_a_connection_is_got_ready_while_the_patient_waits_and_no_address_crosses(
    made: Consultation, page: Callable[..., CallPage]
) -> None:
    amira, patient = page(), page(patient=True)
    assert [amira.enter()["preparing"], patient.enter()["preparing"]] == [True, True]
    sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nc=IN IP4 0.0.0.0\r\n"
    relay = "candidate:1 1 udp 41885439 203.0.113.9 55555 typ relay raddr {} rport {} generation 0 ufrag abcd"

    def description(text: str) -> dict[str, Any]:
        return {"kind": "description", "body": {"description": {"type": "offer", "sdp": text}}}

    def candidate(text: str) -> dict[str, Any]:
        return {"kind": "candidate", "body": {"candidates": [{"candidate": text}]}}

    for said in (description(sdp), candidate(relay.format("0.0.0.0", 0))):
        assert amira.signal(patient, **said)["ok"]
    told = [
        description(sdp.replace("0.0.0.0", "192.0.2.7")),
        description(sdp + "a=candidate:1 1 udp 2122260223 192.0.2.7 55555 typ host\r\n"),
        candidate("candidate:1 1 udp 2122260223 192.0.2.7 55555 typ host"),
        candidate("candidate:1 1 udp 1686052607 192.0.2.7 55555 typ srflx raddr 0.0.0.0 rport 0"),
        candidate(relay.format("192.0.2.7", 4)),
    ]
    for said in told:
        assert patient.signal(amira, **said) == {"ok": False, "reason": "not_allowed"}, said
    # Not even that once the patient went back to the check; and everything once they were let in.
    made.step("unready")
    assert patient.say("look")["answer"]["preparing"] is False
    assert amira.signal(patient, **description(sdp))["reason"] == "not_allowed"
    made.admit()
    assert patient.signal(amira, **told[2])["ok"]
    eventually(lambda: amira.heard("signal"))
    assert len(amira.heard("signal")) == 1


def test_what_is_forged_malformed_huge_or_too_much_is_dropped_and_never_handed_on(
    made: Consultation, page: Callable[..., CallPage]
) -> None:
    made.admit()
    amira, patient, stranger = page(), page(patient=True), page(username="helen")
    amira.enter()
    patient.enter()
    assert stranger.say("enter", client_id=stranger.client_id)["reason"] == "not_part"

    def refused(reason: str, answer: dict[str, Any]) -> None:
        assert answer == {"ok": False, "reason": reason}

    refused("not_part", stranger.signal(amira))
    refused("not_part", stranger.say("flowing"))
    refused("not_part", stranger.say("here", client_id=amira.client_id))
    refused("taken_over", patient.signal(amira, client_id=amira.client_id))
    refused("not_allowed", patient.signal(patient))
    refused("not_allowed", patient.signal(amira, to=str(uuid4())))
    refused("gone", patient.signal(amira, to_client="somebody-else"))
    elsewhere = {**_signal(patient, amira), "call": other_call(patient)}
    refused("not_yours", patient.ask("video_call.signal", elsewhere))
    changes: list[dict[str, Any]] = [
        {"role": "clinician"}, {"from": amira.me}, {"kind": "admit"}, {"number": -1}, {"to": "all"}, {"body": []},
        {"client_id": ""}, {"body": {"html": "<script>"}}, {"generation": 2**40},
        {"body": {"candidates": [{"candidate": "x" * 600}]}}, {"body": {"candidates": [{"candidate": ""}] * 31}},
        {"body": {"description": {"type": "offer", "sdp": "x" * 28_001}}},
        {"body": {"description": {"type": "admit", "sdp": ""}}},
    ]  # fmt: skip
    for change in changes:
        refused("malformed", patient.signal(amira, **change))
        time.sleep(0.07)  # below the rate: this is not about floods
    patient.send('42["video_call.signal",' + "[" * 2000)
    patient.send('42["video_call.signal",{"call":"' + "x" * 40_000 + '"}]')
    patient.send('42["video_call.nonsense",{}]')
    assert patient.signal(amira, number=77)["ok"]
    eventually(lambda: amira.heard("signal"))
    assert [one["signal"]["number"] for one in amira.heard("signal")] == [77], (
        "of all that, nothing else came"
    )
    assert patient.heard("signal") == []

    for _ in range(150):
        patient.send(_frame({"call": str(made.id), "kind": "stalled"}))
    assert amira.say("look")["ok"], "nobody else waits for a flood"
    eventually(lambda: patient.say("look")["ok"])
    assert 15 <= len(rows(made, LineEntry)) < 75, "the burst is taken, the flood is not"


def _signal(page: CallPage, other: CallPage, **said: Any) -> dict[str, Any]:
    return {
        "call": str(page.made.id), "to": other.me, "client_id": page.client_id, "to_client": other.client_id,
        "generation": 1, "number": 1, "kind": "restart", "body": {}, **said,
    }  # fmt: skip


def _frame(said: dict[str, Any]) -> str:
    return f"42{json.dumps(['video_call.line', said])}"


def test_the_link_of_a_newer_message_takes_the_patients_place(
    made: Consultation, page: Callable[..., CallPage]
) -> None:
    """Two links lead to one place: the page behind the other one takes over, and the first can take it back."""
    with made.careroom.at("riverside", write=True) as session:
        call = session.get_one(Call, (made.practice_id, made.id))
        patient = service.patient_of(call)
        issued = links.issue(service.PURPOSE, patient.id, call.id)
        second = replace(made, link_id=issued.link.id, path=issued.url.removeprefix(made.careroom.url))
    made.admit()
    amira, first = page(), page(patient=True)
    amira.enter()
    first.enter()
    with made.careroom.at("riverside", write=True) as session:
        call = session.get_one(Call, (made.practice_id, made.id))
        participants.add(call, PATIENT, str(second.link_id), "Margaret Whitfield")
    other = page(at=second, patient=True)
    assert [one["role"] for one in other.enter()["peers"]] == ["clinician"]
    assert eventually(lambda: first.heard("taken_over"))[0]["by"] == other.client_id
    assert first.signal(amira)["reason"] == "not_part"
    assert other.signal(amira)["ok"]
    assert [one["id"] for one in amira.say("look")["answer"]["peers"]] == [other.me]


def test_a_patient_who_falls_silent_is_away_and_comes_back(
    made: Consultation, page: Callable[..., CallPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> bool:
        with made.careroom.at("riverside"):
            return db.session().get_one(Call, (made.practice_id, made.id)).patient_away_since is not None

    def sweep() -> None:
        with made.careroom.at("riverside", write=True):
            signals.sweep()

    patient = page(patient=True)
    with made.careroom.at("riverside", write=True) as session:
        me = participants.of_actor(made.id, str(made.link_id))
        assert me is not None
        session.get_one(Participant, (made.practice_id, me.id)).devices = {"speaker": True, "line": "good"}
    patient.enter(devices={"camera": True, "microphone": False})
    (row,) = [one for one in rows(made, Participant) if one.role == "patient"]
    found = {"camera": True, "microphone": False, "speaker": True, "line": "good"}
    assert row.devices == found, "what the check has found stays"
    sweep()
    assert not away()
    with made.careroom.at("riverside", write=True) as session:
        session.get_one(Participant, (made.practice_id, row.id)).seen_at = db.utcnow() - presence.HERE_FOR * 2
    sweep()
    assert away()
    assert patient.say("here", client_id=patient.client_id, state={"hand": True})["ok"]
    assert not away()
    assert patient.say("leave", client_id=patient.client_id)["ok"]
    assert away()


def test_a_page_that_closes_is_gone_at_once_and_a_page_that_took_over_is_not(
    made: Consultation, page: Callable[..., CallPage]
) -> None:
    amira, patient = page(), page(patient=True)
    patient.enter()
    amira.enter()
    made.admit()

    def closes(client_id: str) -> None:
        with made.careroom.at("riverside", write=True):
            call = db.session().get_one(Call, (made.practice_id, made.id))
            presence.close(call, participants.of_actor(made.id, str(made.link_id)), client_id)

    def here() -> bool:
        (one,) = amira.say("look")["answer"]["peers"]
        return bool(one["here"])

    closes("an-older-page")
    assert here()
    closes(patient.client_id)
    assert not here()
    late = patient.say("here", client_id=patient.client_id, state={})
    assert (late["ok"], late["reason"], here()) == (False, "taken_over", False), "said before, heard after"
    assert eventually(lambda: [one for one in amira.events if one["type"] == "left"])
    patient.enter()
    assert here()
