"""No page of the URL map asks the database more because there is more to show.

One of everything is made, then many; every page that answers a GET (and every list that is searched by a POST) is
counted with few and with many.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final
from uuid import UUID

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from werkzeug.routing import Rule

from core import audit, db, patients
from core.authoring.surfaces import rules
from core.jobs.models import JobRow
from core.links.models import Link
from core.notifications import Notification, inbox
from core.patient_data import erasures, exports, practice_exports
from core.patients import alerts, import_runs
from core.plugin_system import registry
from core.security import emergency, invitations, members, roles
from tests.plugins.video_call.conftest import clinician, make_call
from tests.support.counting import counted
from tests.support.faulty import photo_requests_failed
from tests.support.house import House, Visitor
from tests.support.multiplying import multiply

KINDS: Final = ("staff", "operator", "signed_in")
NO_PAGE: Final = re.compile(r"\.(?:csv|zip|js|jpg)$")
SEARCHES: Final = {
    "patients.search": {"q": "whitf"},
    "video_call.search": {"q": "e", "show": "all"},
    "photo_request.search": {"q": "e", "show": "all"},
    "palette.find": {"q": "wh"},
}
FURTHER: Final = {
    "video_call.index": ("show=all", "show=past", "show=today"),
    "photo_request.index": ("show=all", "show=review", "show=attention", "show=done"),
    "audit_trail.index": ("action=link.issued", "action=notification.queued", "person=patient"),
    "messages.index": ("show=all", "show=waiting"),
    "operator.index": ("state=suspended",),
}
TOGETHER: Final = 3
"""A list that is longer than its page, or whose people no other panel of the page shows, asks once more for all of them
together. One question a row would be six more at least: so often each row is copied again."""
BY_DESIGN: Final = {"operator_relay.lines"}
"""It asks the plugins of each practice in that practice's own scope, and shows a page of practices at a time."""
GROWING: Final = {
    "bell.index", "communication.index", "locked_links.index", "messages.index", "operator_given_up.index",
    "operator.index", "oversight.index", "patient_data.index", "patients.show", "photo_request.index", "staff.index",
    "timeline.index", "today.index", "video_call.index",
}  # fmt: skip
"""Lists that must have grown when there is more: a list that stays empty is not measured."""


@pytest.fixture
def values(app: Flask, house: House) -> dict[str, Any]:
    """One of everything at Riverside, by the names that routes use."""
    whose = house.patient_id(house.riverside, "Whitfield")
    made: dict[str, Any] = {
        "practice_slug": "riverside", "practice_id": house.riverside, "patient_id": whose, "owner": "photo_request",
        "slot": "video_call.sidebar", "size": "thumb", "board": "page",
    }  # fmt: skip
    with audit.use_actor(clinician(house, "helen")):
        for plugin in registry:
            if find_spec(f"{plugin.package}.sample") is not None:
                made |= importlib.import_module(f"{plugin.package}.sample").make(house.riverside, whose)
        made |= _of_the_core(house, whose)
    make_call(house, "ready", family_name="Okafor")
    make_call(house, "scheduled", family_name="Novak")
    make_call(house, "missed", family_name="Garnier")
    return {**made, "subject_id": made["call_id"]}


def _of_the_core(house: House, whose: UUID) -> dict[str, Any]:
    now = db.utcnow()
    with house.at(house.riverside) as session:
        patient = patients.get(whose)
        made: dict[str, Any] = {
            "export_id": exports.request(patient).id,
            "erasure_id": erasures.request(patients.get(house.patient_id(house.riverside, "Novak"))).id,
            "import_id": import_runs.receive(
                "patients.csv",
                b"first names,family name,date of birth\nNora,Ashbury,29/02/1984\nTheo,B,31/02/1990\n",
            ).id,
            "key": roles.make("Front desk", "Answers the phone", ["core.view_patients"]),
            "record_id": whose,
        }
        practice_exports.request()
        alerts.add(whose, "Hard of hearing")
        invitations.invite("ines@example.com", "Ines", "Costa", "clinician")
        inbox.notify("Photos are here", url="/elsewhere", permission="photo_request.view")
        helen = next(one for one in members.everybody() if one.name == "Helen Price")
        made["user_id"] = helen.user_id
        session.add(JobRow(kind="core.example", state="dead", last_error="ValueError: x", due_at=now))
        photo_requests_failed(session)
        lately = select(Link).where(Link.patient_id == whose).order_by(Link.created_at).limit(1)
        session.scalars(lately).one().locked_at = now
        session.execute(
            update(Notification)
            .where(Notification.patient_id == whose)
            .values(state="dead", last_error="recipient_invalid")
        )
        amira = session.scalars(select(User).where(User.username == "amira")).unique().one()
        emergency.open_record(whose, amira, "role", "She rang about her results")
    return made


def address(rule: Rule, values: dict[str, Any]) -> str | None:
    """The rule with the values in it; None where one is not known."""
    names = re.findall(r"<(?:[^:>]+:)?([a-z_0-9]+)>", rule.rule)
    if any(name not in values for name in names):
        return None
    return re.sub(r"<(?:[^:>]+:)?([a-z_0-9]+)>", lambda found: str(values[found[1]]), rule.rule)


def pages(app: Flask, values: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """Every page, with what is posted to it where it is a search: endpoint, address, form."""
    found = {(rule.endpoint, rule.rule): rule for kind in KINDS for rule, _access in rules(app, kind)}
    for (endpoint, path), rule in sorted(found.items()):
        url = None if NO_PAGE.search(path) else address(rule, values)
        if url is None:
            continue
        if "GET" in (rule.methods or ()):
            yield endpoint, url, None
            for further in FURTHER.get(endpoint, ()):
                yield endpoint, f"{url}?{further}", None
        elif endpoint in SEARCHES:
            yield endpoint, url, SEARCHES[endpoint]


def ask(visitor: Visitor, url: str, form: dict[str, str] | None, token: str) -> Any:
    if form is None:
        return visitor.get(url)
    return visitor.client.post(url, data=form, headers={"X-CSRFToken": token})


def test_no_page_asks_more_because_there_is_more_to_show(
    app: Flask, house: House, values: dict[str, Any], helen: Visitor, olga: Visitor
) -> None:
    tokens = {visitor.client: visitor._token() for visitor in (helen, olga)}
    multiply(2, round=1)
    few: dict[tuple[str, str], tuple[list[str], int]] = {}
    asked, broken = list(pages(app, values)), []
    for endpoint, url, form in asked:
        visitor = olga if endpoint.startswith("operator") else helen
        ask(visitor, url, form, tokens[visitor.client])  # the first one fills what a process remembers
        with counted() as sent:
            answer = ask(visitor, url, form, tokens[visitor.client])
        if answer.status_code >= 500:
            broken.append(url)
        if answer.status_code == 200 and "text/html" in answer.mimetype:
            few[endpoint, url] = sent, len(answer.get_data())
    assert len(few) > 60, "most pages can be asked for"
    multiply(6, round=2)
    grown, worse = set(), []
    for endpoint, url, form in asked:
        if (endpoint, url) not in few:
            continue
        visitor = olga if endpoint.startswith("operator") else helen
        before, size = few[endpoint, url]
        with counted() as sent:
            answer = ask(visitor, url, form, tokens[visitor.client])
        if len(sent) > len(before) + TOGETHER:  # perhaps what was thrown away meanwhile was found out anew
            with counted() as sent:
                answer = ask(visitor, url, form, tokens[visitor.client])
        assert answer.status_code == 200, url
        if len(answer.get_data()) > size * 1.1:
            grown.add(endpoint)
        if len(sent) > len(before) + TOGETHER and endpoint not in BY_DESIGN:
            more = [one for one in dict.fromkeys(sent) if sent.count(one) > before.count(one)]
            worse.append(f"{url}: {len(before)} -> {len(sent)}\n    " + "\n    ".join(more))
    assert not worse, "\n".join(worse)
    assert grown >= GROWING, f"not measured: {sorted(GROWING - grown)}"
    assert not broken
