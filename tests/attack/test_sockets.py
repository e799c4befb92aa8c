"""Through sockets: tickets and topics of another practice, and every socket event of every plugin.

A real server; Helen of Riverside and Nadia of Lumière each have a page open.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import requests
from itsdangerous import BadSignature

from core import db, demo, plugin_system, realtime
from core.realtime import tickets
from tests.core.realtime.live import Page, eventually
from tests.support.running import Careroom, running

pytestmark = pytest.mark.both_databases

ALSO_FOR_OTHERS = "core.rumour"
"""A topic that could be of any practice: it carries no id."""


class StaffPage(Page):
    """A member of staff's browser at a page of their practice."""

    def __init__(self, careroom: Careroom, username: str, slug: str) -> None:
        port = int(careroom.url.rpartition(":")[2])
        self.server: Any = SimpleNamespace(url=careroom.url, port=port, pages=[])
        self.http = requests.Session()
        self.slug = slug
        said = {"username": username, "password": demo.PASSWORD, "csrf_token": self.csrf("/login")}
        answer = self.http.post(
            f"{careroom.url}/login", data=said, headers={"Origin": careroom.url}, timeout=20
        )
        assert answer.status_code == 200, answer.text[:500]
        page = self.http.get(f"{careroom.url}/p/{slug}/", timeout=20).text
        self.ticket = _attribute(page, "data-ticket")
        self.seq = int(_attribute(page, "data-seq"))
        self.link = None
        self.events, self.messages, self.resets, self.closed = [], [], 0, True
        self._answers, self._number, self._ws = {}, 0, None

    def csrf(self, path: str) -> str:
        page = self.http.get(f"{self.server.url}{path}", timeout=20).text
        return re.search(r'name="csrf-token" content="([^"]*)"', page)[1]  # type: ignore[index]

    def renew_at(self, slug: str, ticket: str) -> requests.Response:
        headers = {"X-CSRFToken": self.csrf(f"/p/{self.slug}/"), "Origin": self.server.url}
        return self.http.post(
            f"{self.server.url}/p/{slug}/live/ticket", json={"ticket": ticket}, headers=headers, timeout=20
        )


def _attribute(page: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', page)
    assert found, f"the page has no {name}"
    return found[1]


@pytest.fixture
def careroom(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Careroom]:
    kind = "sqlite" if database_kind == "sqlite" else "postgres"
    template = request.getfixturevalue(f"seeded_{kind}_template")
    with (
        template.copy(tmp_path) as url,
        running(url, tmp_path, plugin_paths=("tests.attack.prying:plugin",)) as started,
        started.inside(),
    ):
        yield started


@pytest.fixture
def helen(careroom: Careroom) -> Iterator[StaffPage]:
    page = StaffPage(careroom, "helen", "riverside")
    yield page
    page.cut()
    page.http.close()


@pytest.fixture
def nadia(careroom: Careroom) -> Iterator[StaffPage]:
    page = StaffPage(careroom, "nadia", "lumiere")
    yield page
    page.cut()
    page.http.close()


def practice_ids(careroom: Careroom) -> dict[str, UUID]:
    found = {}
    for slug in ("riverside", "lumiere"):
        with careroom.at(slug):
            found[slug] = db.practice_id()
    return found


def test_tickets_and_topics_of_another_practice(
    careroom: Careroom, helen: StaffPage, nadia: StaffPage
) -> None:
    ids = practice_ids(careroom)
    own = helen.ticket
    assert tickets.read(own).practice_id == ids["riverside"]
    heard_there = sorted(tickets.read(nadia.ticket).topics)
    helen.connect()
    nadia.connect()
    assert nadia.join() == {"ok": True}

    # Somebody else's ticket, one that was changed, and one signed with another key.
    assert helen.join(ticket=nadia.ticket) == {"ok": False, "reason": "foreign"}
    for forged in forgeries(own, ids["lumiere"], heard_there):
        assert helen.join(ticket=forged) == {"ok": False, "reason": "forged"}
    for said in (None, 1, [], {"p": ids["lumiere"].hex}, "", "." * 5000):
        assert helen.ask("join", {"ticket": said, "seq": 0})["ok"] is False

    # At another practice's door, and with another's ticket at one's own.
    assert helen.renew_at("lumiere", own).status_code == 404
    assert helen.renew_at("lumiere", nadia.ticket).status_code == 404
    assert helen.renew_at("riverside", nadia.ticket).status_code == 403

    # One's own, asking for more and for the past: topics come from the ticket alone.
    more = {"topics": heard_there, "practice_id": str(ids["lumiere"]), "practice": "lumiere"}
    assert helen.ask("join", {"ticket": own, "seq": 0, **more}) == {"ok": True}
    shared = sorted(set(heard_there) & set(tickets.read(own).topics))
    assert shared, "both pages hear topics of the same name, so only the practice keeps them apart"
    for topic in (*heard_there, ALSO_FOR_OTHERS):
        with db.scope(ids["lumiere"]):
            realtime.publish(topic, "pried")
    eventually(lambda: {event["topic"] for event in nadia.events} >= set(heard_there))
    with db.scope(ids["riverside"]):
        realtime.publish(shared[0], "own")
    eventually(lambda: [event for event in helen.events if event["type"] == "own"])
    assert [event for event in helen.events if event["type"] == "pried"] == []


def forgeries(ticket: str, practice_id: UUID, topics: list[str]) -> Iterator[str]:
    """The ticket with another practice in it: under its old signature, under none, under a key of our own."""
    from itsdangerous import URLSafeTimedSerializer

    payload, *signature = ticket.split(".")
    with suppress(ValueError, BadSignature):
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        said |= {"p": practice_id.hex, "t": topics}
        changed = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        yield ".".join([changed, *signature])
        yield ".".join([changed, signature[0], ""])
        yield str(URLSafeTimedSerializer("another key").dumps(said))
    yield ticket[:-2] + ("AA" if not ticket.endswith("AA") else "BB")


def test_every_socket_event_stays_in_the_practice_of_its_ticket(
    careroom: Careroom, helen: StaffPage, nadia: StaffPage
) -> None:
    from core.patients import Patient

    ids = practice_ids(careroom)
    with careroom.at("lumiere") as session:
        benali = session.query(Patient).filter_by(family_name="Benali").one().id
    theirs = sorted(tickets.read(nadia.ticket).topics)
    shared = next(topic for topic in theirs if topic in tickets.read(helen.ticket).topics)
    helen.connect()
    nadia.connect()
    assert nadia.join() == {"ok": True}
    events = {event.name: event for plugin in plugin_system.registry for event in plugin.socket_events}
    assert {"prying.whisper", "prying.peep"} <= events.keys()

    claims = {
        "practice_id": str(ids["lumiere"]),
        "practice": "lumiere",
        "patient_id": str(benali),
        "id": str(benali),
        "words": "pried",
        "ticket": nadia.ticket,
        "topics": theirs,
    }
    for name in events:
        assert helen.ask(name, {**claims, "topic": theirs[0]}) == {"ok": False, "reason": "refused"}, (
            "not before a ticket was shown"
        )
    assert helen.join() == {"ok": True}
    odd = (ALSO_FOR_OTHERS, f"{ids['lumiere']}:{theirs[0]}", "prying.whisper", "/", "*", "")
    for name, event in events.items():
        for topic in (*odd, *theirs)[: int(event.burst) - 2]:  # what is above its limit gets no answer
            answer = helen.ask(name, {**claims, "topic": topic})
            assert "Benali" not in json.dumps(answer)
            assert str(ids["lumiere"]) not in json.dumps(answer)
    peeped = helen.ask("prying.peep", {**claims, "topic": shared})["answer"]
    assert peeped == {
        "found": None,
        "got": False,
        "entered": False,
        "below": False,
        "people": 1,  # herself: who listens to the same topic in the other practice is not counted
        "practice_id": str(ids["riverside"]),
    }
    assert helen.ask("prying.whisper", {"topic": shared, "words": "pried"})["answer"] == {"said": True}
    assert helen.ask("prying.whisper", {"topic": ALSO_FOR_OTHERS, "words": "pried"})["answer"] == {
        "said": False
    }

    second = StaffPage(careroom, "amira", "riverside").connect()
    try:
        assert second.join() == {"ok": True}
        helen.ask("prying.whisper", {"topic": shared, "words": "hello"})
        eventually(lambda: second.messages)
    finally:
        second.cut()
        second.http.close()
    time.sleep(0.3)
    assert [message for message in nadia.messages if message[0] != "events"] == []
