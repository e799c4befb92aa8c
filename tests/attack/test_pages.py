"""Through the web: every page with every parameter, ids of another practice, and what an answer gives away."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event

from core import db
from core.authoring.surfaces import send, url_of
from core.patients import Patient
from core.security import sessions
from tests.core.web.test_gate import every_request
from tests.support.house import House, Visitor

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("lumiere_stays_the_same")]

ROOT = Path(__file__).parents[2]
USUAL = {
    "order", "order_by", "sort", "sort_by", "dir", "filter", "where", "fields", "include", "expand", "limit",
    "offset", "page_size", "practice", "practice_id", "practice_slug", "tenant", "id", "ids", "next", "_flt_0_id",
    "_oc_Patient", "_od_Patient", "rison",
}  # fmt: skip


@cache
def parameters() -> tuple[str, ...]:
    """The usual names, and whatever our code reads from ``request.args`` and its like: so new ones are tried too."""
    read = re.compile(r"\b(?:args|values|asked|form)\.get(?:list)?\(\s*[\"'](\w+)[\"']")
    files = [path for folder in ("core", "plugins") for path in (ROOT / folder).rglob("*.py")]
    found = {word for path in files for word in read.findall(path.read_text())}
    assert {"page", "q", "show", "patient", "beside"} <= found, "the search for names finds them"
    return tuple(sorted(found | USUAL))


def hostile(house: House, ids: dict[str, UUID], benali: UUID) -> list[str]:
    return [
        str(house.lumiere), "lumiere", str(benali), str(ids["request_id"]), str(ids["photo_id"]), "Benali", "%", "*",
        "1 OR 1=1", "practice_id", "core_patient.practice_id desc", "(select family_name from core_patient limit 1)",
        "x' OR '1'='1' --", "-1", "99999999999999999999", "(filters:!((col:id,opr:gt,value:0)))",
    ]  # fmt: skip


def secrets_of(house: House, ids: dict[str, UUID]) -> dict[str, str]:
    """What of Lumière may stand on no page for Riverside, each by what it is."""
    with house.at(house.lumiere, write=False) as session:
        people = session.query(Patient).all()
        told = {f"name of {p.id}": p.family_name for p in people}
        told |= {f"mobile of {p.id}": p.mobile for p in people if p.mobile}
        told |= {f"e-mail of {p.id}": p.email for p in people if p.email}
    told |= {f"id of {p.id}": str(p.id) for p in people}
    return told | {name: str(value) for name, value in ids.items()}


def test_sorting_and_filter_parameters_of_every_page(
    app: Flask, house: House, helen: Visitor, foreign_ids: dict[str, UUID], benali: UUID
) -> None:
    secrets = secrets_of(house, foreign_ids)
    asked = 0
    for rule, method in every_request(app, "staff"):
        if method != "GET" or rule.arguments - {"practice_slug"}:
            continue
        url = url_of(rule, "riverside", {})
        for value in hostile(house, foreign_ids, benali):
            answer = helen.get(url, query_string=dict.fromkeys(parameters(), value))
            assert answer.status_code < 500, f"{url} with {value!r}"
            assert leaks(answer, secrets, value) == [], f"{url} with {value!r}"
            asked += 1
    assert asked >= 5 * 16


def test_searches_find_nobody_of_another_practice(
    house: House, helen: Visitor, foreign_ids: dict[str, UUID]
) -> None:
    secrets = secrets_of(house, foreign_ids)
    for value in sorted({*secrets.values(), "%", "_", "B", "karim", "27/02/1990", "+336"}):
        for answer in (
            helen.post("/p/riverside/patients", {"q": value, "practice_id": str(house.lumiere)}),
            helen.get("/p/riverside/patients", query_string={"q": value}),
        ):
            assert answer.status_code == 200
            assert leaks(answer, secrets, value) == [], value


def leaks(answer: Any, secrets: dict[str, str], asked: str) -> list[str]:
    """Which secrets an answer holds, but for what it only says back."""
    page = answer.get_data(as_text=True)
    return [what for what, secret in secrets.items() if secret in page and secret not in asked]


def test_a_foreign_id_costs_and_answers_exactly_what_an_unknown_one_does(
    app: Flask, helen: Visitor, foreign_ids: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words, as long, with the same headers, after the same statements: so no clock tells them apart.

    Counting and comparing statements proves more than a stop-watch does on a machine that others use too.
    """
    # A sign of life is written now and then, by the clock: it would fall into one of the two on a slow machine.
    monkeypatch.setattr(sessions, "_TOUCH", timedelta(days=1))
    compared = 0
    for rule, method in every_request(app, "staff"):
        if not {argument for argument in rule.arguments if argument in foreign_ids}:
            continue
        strange = dict.fromkeys(foreign_ids)
        url, unknown_url = (
            url_of(rule, "riverside", foreign_ids),
            url_of(rule, "riverside", {n: uuid4() for n in strange}),
        )
        send(helen, method, unknown_url)  # whatever is asked once only has been asked
        with statements() as at_foreign:
            foreign = send(helen, method, url)
        with statements() as at_unknown:
            unknown = send(helen, method, unknown_url)
        assert foreign.status_code == unknown.status_code == 404, f"{method} {rule.rule}"
        assert masked(foreign.get_data(as_text=True), url) == masked(
            unknown.get_data(as_text=True), unknown_url
        )
        assert sorted(foreign.headers.keys()) == sorted(unknown.headers.keys())
        assert len(foreign.data) == len(unknown.data)
        assert at_foreign == at_unknown, f"{method} {rule.rule}"
        compared += 1
    assert compared > 10


def masked(page: str, url: str) -> str:
    """A page without what differs between any two: its own address, nonces, tokens, the request's number."""
    page = page.replace(url, "URL")
    page = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "ID", page)
    return re.sub(r'(nonce|content|value|data-ticket)="[^"]*"', r'\1=""', page)


class statements(list[str]):
    """The statements that go to the database meanwhile, without their values."""

    def __enter__(self) -> statements:
        event.listen(db.engine(), "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(db.engine(), "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.append(statement)


def test_flask_appbuilder_has_no_view_whose_lists_and_drop_downs_could_tell(app: Flask) -> None:
    """Its related views ignore permissions, and its drop-downs the filters of its lists: so there are none."""
    from flask_appbuilder.baseviews import BaseCRUDView, BaseFormView

    registered = app.extensions["appbuilder"].baseviews if "appbuilder" in app.extensions else []
    crud = [view for view in registered if isinstance(view, BaseCRUDView) or hasattr(view, "datamodel")]
    assert crud == []
    from_library = {
        type(view).__name__ for view in registered if type(view).__module__.startswith("flask_appbuilder")
    }
    reachable = {rule.endpoint.partition(".")[0] for rule in app.url_map.iter_rules()}
    assert from_library & reachable == set()
    forms = [type(view).__name__ for view in registered if isinstance(view, BaseFormView)]
    assert not set(forms) & reachable
