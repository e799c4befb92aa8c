"""Every form of every page with the usual wrong values: no fault, nothing typed is lost, nothing comes back as code.

The forms are found on the pages, the pages in the URL map: a new one is tried without anybody thinking of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.routing import Rule

from core import audit, db, links, patients
from core.authoring.surfaces import rules, url_of
from core.authoring.tenancy import rows_of
from core.demo import PASSWORD
from core.notifications import Notification
from core.security import create_user, invitations
from core.security import roles as practice_roles
from core.testing.practices import LINK
from core.web.routes import Kind
from plugins.photo_request.service import request_photos
from plugins.video_call import sample as video_sample
from tests.support.forms import TYPED, Control, Form, forms_of
from tests.support.house import House, Visitor, open_link
from tests.support.photos import a_request_with_photos

SCRIPT = "<script>alert('pwned')</script>"
WRONG = {
    "nothing": [""],
    "code": [f"\"'>{SCRIPT} {{{{ 7*7 }}}} {{name}} %s %(x)s नमस्ते 💊 مرحبا \\ud800", f"=1+1{SCRIPT}"],
    "control characters": ["a\x07b\x1b[31m\u202ec\u200b\x85d \u2003 ", "a\x00b"],
    "too much": ["x" * 9_000, "9" * 5_000],
    "the wrong kind": ["-1", "NaN", "31/02/2024", "1e999", "0x10", " \u00a0 "],
}
"""What is typed into the fields of a form, by turns."""
FAR = [{"date": "0001-01-01", "time": "00:00"}, {"date": "9999-12-31", "time": "23:59"}]
"""The first and the last moment that there are: elsewhere it is a day before, or after."""
PHONES = {"photos": "photo_request.invitation"}  # a call's pages have no form that is sent without a script
LEAST = {
    "administration": 13,
    "workplace": 8,
    "account": 2,
    "console": 2,
    "nobody": 3,
    "photos": 1,
}
"""So many forms are there at least."""

TYPED_ANEW = re.compile(r"/patient-data/[^/]+/erase$|^/account/(password|codes)$")
"""Forms whose fields are typed again on purpose: a name that confirms what cannot be undone, codes that work once."""

ECHOED = frozenset({"text", "textarea", "email", "tel", "search", "url"})


@dataclass
class Comer:
    """A browser that stays signed in, and its token."""

    visitor: Visitor
    token: str = ""
    pages: list[str] = field(default_factory=list)

    def send(self, url: str, data: dict[str, list[Any]]) -> Any:
        self.token = self.token or self.visitor._token()
        return self.visitor.client.post(url, data=data, headers={"X-CSRFToken": self.token}, buffered=True)


@pytest.fixture
def comers(app: Flask, house: House, visitor: Callable[[], Visitor]) -> dict[str, Comer]:
    """Who sees which pages: the practice's administrator, the operator, somebody who is not signed in."""
    with db.scope(write=False) as session:
        helen_id = session.scalars(select(User.id).where(User.username == "helen")).one()
    as_helen = audit.Actor("staff", str(helen_id), "Helen Price")
    ids = a_request_with_photos(house, house.riverside)
    with audit.use_actor(as_helen):
        ids |= video_sample.make(house.riverside, ids["patient_id"])
    house.work()
    with house.at(house.riverside), audit.use_actor(as_helen):
        request_photos(patients.get(ids["patient_id"]), channels=["sms"])
        nurse = practice_roles.make("Nurse", "", ["core.view_patients"])
        invitations.invite("sam@example.com", "Sam", "Taylor", "clinician")
        unopened = links.issue("photo_request.photos", ids["patient_id"], db.uuid7())
    with db.scope() as session:
        grace = session.scalars(select(User.id).where(User.username == "grace")).one()
        create_user("boss", "boss@platform.example", "Bo", "Ss", PASSWORD, is_operator=True)
    given = {
        "practice_slug": "riverside",
        "practice_id": house.riverside,
        "key": nurse,
        "user_id": str(grace),
    }
    helen, boss = visitor(), visitor()
    helen.sign_in("helen")
    boss.sign_in("boss")
    staff = pages(app, "staff", given, ids)
    return {
        "administration": Comer(helen, pages=[one for one in staff if "/admin" in one]),
        "workplace": Comer(helen, pages=[one for one in staff if "/admin" not in one]),
        "account": Comer(helen, pages=pages(app, "signed_in", given, ids)),
        **{who: on_a_phone(app, house, ids["patient_id"], purpose) for who, purpose in PHONES.items()},
        "console": Comer(boss, pages=pages(app, "operator", given, ids)),
        "nobody": Comer(
            visitor(), pages=[*pages(app, "public", given, ids), f"/l/{unopened.url.rpartition('/')[2]}"]
        ),
    }


def on_a_phone(app: Flask, house: House, patient_id: UUID, purpose: str) -> Comer:
    """The patient, behind the newest link of this kind."""
    with house.at(house.riverside, write=False) as session:
        sent = session.scalars(
            select(Notification)
            .where(Notification.patient_id == patient_id, Notification.template == purpose)
            .order_by(Notification.created_at.desc(), Notification.id.desc())
        ).first()
        assert sent is not None
    found = LINK.search(sent.body)
    assert found
    phone = open_link(app, house, found.group())
    place, owner = phone.place.rpartition("/")[0], phone.place.rpartition("/")[2]
    paths = [
        _built(rule, {"link_id": UUID(place.rpartition("/")[2])})
        for rule, access in rules(app, "patient")
        if access.owner == owner and "GET" in (rule.methods or ()) and rule.arguments == {"link_id"}
    ]
    return Comer(phone.visitor, pages=paths)


def pages(app: Flask, kind: Kind, given: dict[str, Any], ids: dict[str, UUID]) -> list[str]:
    """The URLs of every page of a kind that can be asked for."""
    found: list[str] = []
    for rule, _access in rules(app, kind):
        if "GET" in (rule.methods or ()):
            found += _urls(rule, given, ids)
    return found


def _urls(rule: Rule, given: dict[str, Any], ids: dict[str, UUID]) -> Iterable[str]:
    named = {name: value for name, value in {**ids, **given}.items() if name in rule.arguments}
    named |= rule.defaults or {}
    left = rule.arguments - named.keys()
    if left == {"name"}:
        for name in ("photo_request", "photo_request.invitation"):
            yield _built(rule, {**named, "name": name})
    elif left:
        yield url_of(rule, "riverside", ids, given.get("link_id"))
    else:
        yield _built(rule, named)


def _built(rule: Rule, values: dict[str, Any]) -> str:
    built = rule.build(values)
    assert built is not None, rule.rule
    return built[1]


def forms(comer: Comer) -> dict[str, tuple[str, Form]]:
    """Every form with something to type or choose, by where it is sent; with the page that it is on."""
    found: dict[str, tuple[str, Form]] = {}
    for page in comer.pages:
        answer = comer.visitor.get(page)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            for form in forms_of(answer.get_data(as_text=True)):
                action = (form.action or page).partition("#")[0]
                if form.edits and action.partition("?")[0] != "/logout":
                    found.setdefault(action, (page, form))
    return found


def wrong_forms(form: Form, foreign: str) -> Iterable[tuple[str, dict[str, list[Any]], list[Control]]]:
    """(what is wrong, what is sent, the fields that were typed): all fields at once, then all choices."""
    typed = [one for one in form.controls if one.kind in TYPED]
    chosen = [
        one.name
        for one in form.controls
        if one.kind in ("select", "radio", "checkbox", "hidden") and one.name != "csrf_token"
    ]
    for what, values in WRONG.items():
        turns = {one.name: values[place % len(values)] for place, one in enumerate(typed)}
        if typed:
            yield what, form.data(**turns), [] if TYPED_ANEW.search(form.action) else typed
    moments = [one for one in form.controls if one.kind in ("date", "time")]
    last = {
        one.name: one.value for one in form.controls if one.kind == "radio"
    }  # "later", where there is a choice
    for far in FAR if moments else ():
        yield f"the {far['date']}", form.data(**last, **{one.name: far[one.kind] for one in moments}), []
    yield "choices of another practice", form.data(**dict.fromkeys(chosen, foreign)), []
    yield "choices of thousands of digits", form.data(**dict.fromkeys(chosen, "9" * 5_000)), []
    yield "choices twice", form.data(**{name: ["", SCRIPT, foreign] for name in chosen}), []
    yield "nothing at all", {}, []


@pytest.mark.parametrize("who", list(LEAST))
def test_wrong_values_break_no_form_and_cost_nothing_that_was_typed(
    house: House, comers: dict[str, Comer], who: str
) -> None:
    comer, foreign = comers[who], house.patient_id(house.lumiere, "Benali")
    before = rows_of(house, house.lumiere)
    found = forms(comer)
    problems: list[str] = []
    for action, (page, form) in found.items():
        for what, data, typed in wrong_forms(form, str(foreign)):
            answer = comer.send(action, data)
            place = f"{action} ({page}) with {what}"
            problems += [f"{place}: {wrong}" for wrong in faults(answer, data, typed)]
            if (
                answer.status_code == 303
                and answer.location.startswith("/")
                and "logout" not in answer.location
            ):
                shown = comer.visitor.get(answer.location)
                if shown.status_code >= 500 or SCRIPT in shown.get_data(as_text=True):
                    problems.append(f"{place}: the next page is broken or runs what was typed")
    assert problems == []
    assert len(found) >= LEAST[who], sorted(found)
    assert rows_of(house, house.lumiere) == before, "another practice is as it was"


def faults(answer: Any, data: dict[str, list[Any]], typed: list[Control]) -> list[str]:
    """What is wrong with an answer to a form that is wrong."""
    if answer.status_code >= 500:
        return [f"answered {answer.status_code}"]
    page = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
    found = []
    if SCRIPT in page:
        found.append("what was typed comes back as code")
    if "Benali" in page:
        found.append("shows a patient of another practice")
    if answer.status_code == 422 and page:
        shown = _seen(html.unescape(page))
        lost = [
            one.name
            for one in typed
            if one.kind in ECHOED and not _is_kept(shown, str(data[one.name][0])[: one.most or 200])
        ]
        if lost:
            found.append(f"what was typed is lost: {', '.join(lost)}")
    return found


def _is_kept(shown: str, value: str) -> bool:
    """Is what was typed on the page? A form may take away what nobody sees, and draws spaces together."""
    visible = _seen(value)[:200]
    return not visible or visible in shown


def _seen(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]+", "", text)
