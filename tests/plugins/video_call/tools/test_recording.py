"""Recordings whose page comes and goes: one at a time, shown only while it runs, and nothing of it lost at the end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core import db
from core.files import Upload
from plugins.video_call import consents, recording, service
from plugins.video_call.models import Call, Document
from tests.plugins.video_call.conftest import BASE
from tests.plugins.video_call.tools.conftest import Talk
from tests.support.house import House, Visitor
from tests.support.photos import jpeg

WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + b"A_OPUS" + b"s" * 5000


class Page:
    """The clinician's page: it says its name with all that it sends."""

    def __init__(self, talk: Talk, amira: Visitor, name: str) -> None:
        self.talk, self.amira, self.name = talk, amira, name

    def enter(self) -> None:
        """From now on this page speaks for Amira."""
        with self.talk.clinician() as (_call, me):
            me.client_id = self.name

    def post(self, path: str, body: object = b"") -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        url = path if path.startswith("/") else f"{BASE}/calls/{self.talk.made.id}/{path}"
        headers = {"Accept": "application/json", "X-Client": self.name}
        return self.amira.post(url, data, content_type=kind, headers=headers)

    def begin(self) -> str:
        answer = self.post("recordings", {"what": "audio"})
        assert answer.status_code == 200, answer.get_json()
        return str(answer.get_json()["parts"])


@pytest.fixture
def page(talk: Talk, amira: Visitor) -> Page:
    talk.set(recording="audio")
    made = Page(talk, amira, "first-page")
    made.enter()
    return made


def code(answer: Any) -> str:
    return str(answer.get_json()["error"]["code"])


def kept(talk: Talk) -> list[Document]:
    with talk.house.at(talk.made.practice_id, write=False) as session:
        return list(session.scalars(select(Document).where(Document.call_id == talk.made.id)))


def under_way(talk: Talk) -> bool:
    with talk.clinician() as (call, _me):
        return recording.under_way(call)


def later(talk: Talk, **by: float) -> None:
    """So much time has gone by for what is open."""
    with talk.house.at(talk.made.practice_id) as session:
        session.execute(update(Upload).values(updated_at=db.utcnow() - timedelta(**by)))


@pytest.mark.both_databases
def test_of_two_recordings_that_begin_at_once_one_is_refused(talk: Talk, page: Page) -> None:
    talk.grant(consents.AUDIO)
    page.begin()
    second = page.post("recordings", {"what": "audio"})
    assert code(second) == "recording_refused"
    assert "recorded already" in second.get_json()["error"]["message"]
    assert talk.trail("video_call.recording") == ["video_call.recording_begun"]


def test_what_is_no_longer_sent_is_no_longer_shown(talk: Talk, page: Page) -> None:
    talk.grant(consents.AUDIO)
    parts = page.begin()
    assert under_way(talk)
    later(talk, seconds=16)
    assert not under_way(talk)
    page.post(f"{parts}?from=0", WEBM[:1000])
    assert under_way(talk)


def test_a_recording_of_which_nothing_came_leaves_nothing(talk: Talk, page: Page) -> None:
    talk.grant(consents.AUDIO)
    assert page.post(f"{page.begin()}?from=0&last").get_json() == {"received": 0, "file": None}
    assert not under_way(talk)
    assert kept(talk) == []
    page.begin()  # the next one begins
    later(talk, minutes=11)
    _job(talk)
    assert kept(talk) == []
    page.begin()


def test_a_page_that_is_loaded_again_keeps_what_it_recorded_before_and_may_record_again(
    talk: Talk, page: Page, amira: Visitor
) -> None:
    talk.grant(consents.AUDIO)
    page.post(f"{page.begin()}?from=0", WEBM)
    again = Page(talk, amira, "second-page")
    again.enter()
    assert again.post("recordings/left", {}).status_code == 200
    assert len(kept(talk)) == 1
    assert not under_way(talk)
    parts = again.begin()
    assert again.post("recordings/left", {}).status_code == 200  # its own goes on
    again.post(f"{parts}?from=0", WEBM)
    third = Page(talk, amira, "third-page")
    third.enter()
    third.begin()  # also without having asked before
    assert len(kept(talk)) == 2


def test_a_page_that_was_taken_over_from_records_and_keeps_nothing_more(
    talk: Talk, page: Page, amira: Visitor
) -> None:
    talk.grant(consents.AUDIO)
    still = talk.grant(consents.STILL)
    parts = page.begin()
    Page(talk, amira, "second-page").enter()
    assert code(page.post(f"{parts}?from=0", WEBM)) == "taken_over"
    assert code(page.post("recordings", {"what": "audio"})) == "taken_over"
    assert code(page.post("recordings/left", {})) == "taken_over"
    assert code(page.post(f"stills?consent={still}", jpeg())) == "taken_over"
    assert kept(talk) == []


def test_the_end_of_a_recording_arrives_after_the_end_of_the_call(talk: Talk, page: Page) -> None:
    talk.grant(consents.AUDIO)
    parts = page.begin()
    page.post(f"{parts}?from=0", WEBM[:3000])
    with talk.patient() as (call, _me):
        service.end(call, "patient")
    assert page.post(f"{parts}?from=3000&last", WEBM[3000:]).status_code == 200
    (one,) = kept(talk)
    assert page.amira.get(f"{BASE}/calls/{talk.made.id}/files/{one.file_id}/large").data == WEBM


@pytest.mark.parametrize("why", ["late", "revoked"])
def test_but_not_much_later_and_not_without_the_grant(talk: Talk, page: Page, why: str) -> None:
    grant = talk.grant(consents.AUDIO)
    parts = page.begin()
    page.post(f"{parts}?from=0", WEBM[:3000])
    with talk.patient() as (call, _me):
        if why == "revoked":
            consents.revoke(call, grant)
        service.end(call, "patient")
    if why == "late":
        with talk.house.at(talk.made.practice_id) as session:
            session.execute(update(Call).values(ended_at=db.utcnow() - timedelta(seconds=11)))
    answer = page.post(f"{parts}?from=3000", WEBM[3000:])
    assert code(answer) == ("wrong_state" if why == "late" else "consent_missing")
    assert page.post(f"{parts}?from=3000&last").status_code == 200
    assert len(kept(talk)) == 1


def test_what_a_job_keeps_is_the_clinicians_and_in_their_language(talk: Talk, page: Page) -> None:
    talk.grant(consents.AUDIO)
    page.post(f"{page.begin()}?from=0", WEBM)
    with talk.house.at(talk.made.practice_id) as session:
        for upload in session.scalars(select(Upload)):
            upload.details = {**upload.details, "language": "fr"}
    later(talk, minutes=11)
    _job(talk)
    (one,) = kept(talk)
    assert one.made_by_name == "Amira Khan"
    assert one.title == "Enregistrement du son"


def test_a_hold_is_not_the_end_of_a_recording(talk: Talk, page: Page) -> None:
    talk.grant(consents.AUDIO)
    parts = page.begin()
    page.post(f"{parts}?from=0", WEBM[:3000])
    with talk.clinician() as (call, _me):
        service.hold(call)
    assert code(page.post(f"{parts}?from=3000", WEBM[3000:])) == "wrong_state"
    later(talk, minutes=11)
    _job(talk)
    assert kept(talk) == []
    with talk.clinician() as (call, _me):
        service.resume(call)
    assert page.post(f"{parts}?from=3000&last", WEBM[3000:]).status_code == 200
    assert len(kept(talk)) == 1


def _job(talk: Talk) -> None:
    from core.jobs import enqueue

    house: House = talk.house
    with house.at(talk.made.practice_id):
        enqueue("video_call.recordings")
    house.work()
