"""Pages of a call without a browser: they speak the protocol over real sockets, and can misbehave."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import requests

from core import demo
from core.realtime import tickets
from tests.core.realtime.live import Page
from tests.plugins.video_call.line.rooms import Consultation, ticket


class CallPage(Page):
    """A page of this call, of Amira or (``patient=True``) behind the patient's link."""

    def __init__(self, made: Consultation, *, patient: bool = False, username: str = "amira") -> None:
        url = made.careroom.url
        self.server: Any = SimpleNamespace(url=url, port=int(url.rpartition(":")[2]), pages=[])
        self.http = requests.Session()
        self.made, self.client_id, self.link, self.seq = made, str(uuid4()), None, 0
        self.path = f"/v/{made.link_id}" if patient else ""
        if patient:
            day, month, year = made.born
            self._post(made.path, {"day": day, "month": month, "year": year})
            bound, actor = tickets.binding(f"link:{made.link_id}"), str(made.link_id)
        else:
            self._post("/login", {"username": username, "password": demo.PASSWORD})
            page = self.http.get(f"{url}/p/riverside/", timeout=20).text
            own = tickets.read(_found(r'data-ticket="([^"]*)"', page))
            bound, actor = own.binding, own.actor_id
        self.ticket = ticket(made, "patient" if patient else "staff", actor, bound)
        self.me = made.topics(actor)[1].partition(":")[2]
        self.events, self.messages, self.resets, self.closed = [], [], 0, True
        self._answers, self._number, self._ws = {}, 0, None

    def _post(self, path: str, said: dict[str, Any]) -> None:
        url = f"{self.made.careroom.url}{path}"
        token = _found(r'name="csrf_token"[^>]*value="([^"]*)"', self.http.get(url, timeout=20).text)
        answer = self.http.post(
            url, data={**said, "csrf_token": token}, headers={"Origin": self.made.careroom.url}, timeout=20
        )
        assert answer.status_code == 200, answer.text[:500]

    def here(self) -> CallPage:
        """Connect and show the ticket."""
        self.connect(path=self.path)
        assert self.join() == {"ok": True}
        return self

    def say(self, event: str, **said: Any) -> dict[str, Any]:
        """Send an event of the line and answer what the server says."""
        return self.ask(f"video_call.{event}", {"call": str(self.made.id), **said})

    def enter(self, **said: Any) -> dict[str, Any]:
        """Take part; answers how the call stands."""
        answer = self.say("enter", **{"client_id": self.client_id, **said})
        assert answer["ok"], answer
        found: dict[str, Any] = answer["answer"]
        return found

    def signal(self, other: CallPage, **said: Any) -> dict[str, Any]:
        """A signal to another page."""
        usual = {
            "to": other.me, "client_id": self.client_id, "to_client": other.client_id, "generation": 1,
            "number": 1, "kind": "restart", "body": {},
        }  # fmt: skip
        return self.say("signal", **{**usual, **said})

    def heard(self, event: str) -> list[Any]:
        """What it was told under this name."""
        return [said for name, said in self.messages if name == f"video_call.{event}"]

    def end(self) -> None:
        self.cut()
        self.http.close()


def other_call(page: CallPage) -> str:
    """The id of a call that this page is not of."""
    return str(UUID(int=page.made.id.int + 1))


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"no {pattern}"
    return found[1]
