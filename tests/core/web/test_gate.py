"""The gate: who comes in where, walked over the whole URL map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from core import db
from core.authoring.surfaces import ids_of, requests, send, url_of
from core.authoring.tenancy import rows_of
from core.web.routes import table
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos


def every_request(app: Flask, kind: str) -> list[tuple[Rule, str]]:
    return requests(app, kind)


def test_every_endpoint_says_who_may_come_in(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(table(app))


def test_nobody_gets_in_without_signing_in(app: Flask, visitor: Callable[[], Visitor]) -> None:
    stranger = visitor()
    for kind in ("staff", "signed_in"):
        for rule, method in every_request(app, kind):
            answer = send(stranger, method, url_of(rule, "riverside", {}))
            expected = (302,) if method == "GET" else (401,)
            assert answer.status_code in expected, f"{method} {rule.rule}: {answer.status_code}"
            if method == "GET":
                assert answer.location.startswith("/login?next="), rule.rule


def test_another_practice_does_not_exist(app: Flask, visitor: Callable[[], Visitor]) -> None:
    helen = visitor()
    helen.sign_in("helen")
    for rule, method in every_request(app, "staff"):
        for slug in ("lumiere", "no-such-practice"):
            answer = send(helen, method, url_of(rule, slug, {}))
            assert answer.status_code == 404, f"{method} {rule.rule} in {slug}: {answer.status_code}"


def test_ids_of_another_practice_answer_as_if_they_did_not_exist(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    ids = a_request_with_photos(house, house.lumiere)
    assert {"patient_id", "request_id", "photo_id"} <= ids.keys()
    nadia, helen = visitor(), visitor()
    nadia.sign_in("nadia")
    helen.sign_in("helen")
    before = rows_of(house, house.lumiere)
    compared, own = 0, []
    for rule, method in every_request(app, "staff"):
        named = {argument for argument in rule.arguments if argument in ids}
        if not named:
            continue
        foreign = send(helen, method, url_of(rule, "riverside", ids))
        unknown = send(helen, method, url_of(rule, "riverside", {}))
        assert foreign.status_code == unknown.status_code == 404, f"{method} {rule.rule}"
        assert len(foreign.data) == len(unknown.data), f"{method} {rule.rule} gives itself away by its size"
        compared += 1
        if method == "GET" and ids_of(rule) <= ids.keys():
            own.append(url_of(rule, "lumiere", ids))
    assert compared > 10
    assert rows_of(house, house.lumiere) == before
    for url in own:  # after that: who reads what is theirs leaves marks of it
        assert nadia.get(url).status_code in (200, 302, 303, 400, 410), url


def test_a_receptionist_is_told_what_she_may_not_do(visitor: Callable[[], Visitor]) -> None:
    grace = visitor()
    grace.sign_in("grace")
    answer = grace.get("/p/riverside/admin/plugins")
    assert answer.status_code == 403
    assert "/p/riverside/" in answer.get_data(as_text=True), "and is shown a way on"


def test_a_chosen_language_is_kept_with_the_account(visitor: Callable[[], Visitor]) -> None:
    helen = visitor()
    helen.sign_in("helen")
    assert 'lang="en-GB"' in helen.get("/p/riverside/").get_data(as_text=True)
    helen.post("/preferences", {"language": "fr", "next": "/p/riverside/"})
    at_home = visitor()
    at_home.sign_in("helen")
    assert 'lang="fr-FR"' in at_home.get("/p/riverside/").get_data(as_text=True)


@pytest.mark.parametrize("path", ["/p/riverside/patients", "/l/x"])
def test_a_body_that_is_too_large_is_not_read(amira: Visitor, path: str) -> None:
    form = "application/x-www-form-urlencoded"
    answer = amira.client.post(path, data=b"a=" + bytes(18 * 1024 * 1024), headers={"Content-Type": form})
    assert answer.status_code == 413
    assert "That is too large" in answer.get_data(as_text=True)


def test_an_unknown_page_is_a_page(visitor: Callable[[], Visitor]) -> None:
    answer = visitor().get("/no/such/page", headers={"Accept-Language": "fr"})
    assert answer.status_code == 404
    assert 'lang="fr' in answer.get_data(as_text=True)


def test_a_view_that_breaks_answers_a_page_and_leaves_nothing_behind(
    app: Flask, house: House, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.tenancy import Practice

    def breaks(**values: Any) -> str:
        db.session().get(Practice, house.riverside).name = "Changed"  # type: ignore[union-attr]
        db.session().flush()
        raise RuntimeError("Margaret Whitfield")

    helen = visitor()
    helen.sign_in("helen")
    rule = next(r for r, m in every_request(app, "staff") if m == "POST" and r.endpoint == "bell.read_all")
    monkeypatch.setitem(app.view_functions, rule.endpoint, breaks)
    answer = helen.post(url_of(rule, "riverside", {}))
    assert answer.status_code == 500
    assert "Margaret" not in answer.get_data(as_text=True)
    with db.scope(write=False) as session:
        assert session.get(Practice, house.riverside).name == "Riverside Surgery"  # type: ignore[union-attr]
