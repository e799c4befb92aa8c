"""The patient's way in, as a browser walks it: /l/<token>, the date of birth, /v/<link>/..."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from core import db, i18n, links, tenancy
from core.audit import AuditEntry
from core.links import Link, tokens
from core.plugin_system import activation
from core.realtime.models import Event
from core.security import limits
from tests.support.house import House, Visitor

BORN = {"day": "14", "month": "3", "year": "1951"}
WRONG = {"day": "15", "month": "3", "year": "1951"}
NO_MATCH = "This date of birth does not match"


@dataclass(slots=True)
class Sent:
    """A link that was sent to a patient of Riverside."""

    house: House
    id: UUID
    path: str

    def row(self) -> dict[str, Any]:
        with self.house.at(self.house.riverside, write=False):
            link = links.get(self.id)
            return {column.key: getattr(link, column.key) for column in Link.__table__.columns}

    def change(self, **values: object) -> None:
        with self.house.at(self.house.riverside):
            for name, value in values.items():
                setattr(links.get(self.id), name, value)


@pytest.fixture
def send(house: House) -> Callable[[str], Sent]:
    def make(family_name: str = "Whitfield") -> Sent:
        patient_id = house.patient_id(house.riverside, family_name)
        with house.at(house.riverside):
            issued = links.issue("photo_request.photos", patient_id, db.uuid7())
        return Sent(house, issued.link.id, issued.url.removeprefix(house.settings.base_url))

    return make


@pytest.fixture
def sent(send: Callable[[], Sent]) -> Sent:
    return send()


def _text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())


def _cookies(answer: Any) -> list[str]:
    return [cookie for cookie in answer.headers.getlist("Set-Cookie") if "careroom_link" in cookie]


# --- looking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preview_that_fetches_the_link_changes_nothing(
    sent: Sent, visitor: Callable[[], Visitor], method: str
) -> None:
    def everything() -> tuple[Any, ...]:
        with sent.house.at(sent.house.riverside, write=False) as session:
            return (
                [entry.seq for entry in session.scalars(select(AuditEntry))],
                [event.seq for event in session.scalars(select(Event))],
            )

    before, told = sent.row(), everything()
    for agent in ("WhatsApp/2.23", "facebookexternalhit/1.1", "Mozilla/5.0"):
        answer = visitor().client.open(sent.path, method=method, headers={"User-Agent": agent})
        assert answer.status_code == 200
        assert _cookies(answer) == []
    assert sent.row() == before
    assert everything() == told


def test_the_page_asks_for_the_date_of_birth_and_names_the_practice_but_nobody(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    page = _text(visitor().get(sent.path))
    assert "What is your date of birth?" in page
    assert "Riverside Surgery" in page
    assert "Margaret" not in page
    assert "Whitfield" not in page


def test_an_address_with_a_token_leaks_to_nobody(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    for answer in (browser.get(sent.path), browser.post(sent.path, WRONG), browser.post(sent.path, BORN)):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    assert 'name="referrer" content="no-referrer"' in browser.get(sent.path).get_data(as_text=True)


# --- the date of birth ---------------------------------------------------------------------------------------------


def test_the_right_date_lets_in_and_the_token_leaves_the_address(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    answer = visitor().post(sent.path, BORN)
    assert answer.status_code == 303
    assert answer.location.startswith(f"/v/{sent.id}/photo_request/")
    assert sent.path.rsplit("/", 1)[1] not in answer.location
    (cookie,) = _cookies(answer)
    assert f"Path=/v/{sent.id}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # this test's base URL is http
    assert "Max-Age=43200" in cookie
    assert sent.row()["verified_at"] is not None


def test_every_wrong_date_gets_the_same_message_and_the_fifth_locks(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    answers = [browser.post(sent.path, WRONG) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {422}
    assert all(NO_MATCH in _text(answer) for answer in answers)
    assert len({_text(answer) for answer in answers}) == 1
    assert sent.row()["failed_tries"] == 4
    locked = browser.post(sent.path, WRONG)
    assert (locked.status_code, "This link is locked" in _text(locked)) == (403, True)
    refused = browser.post(sent.path, BORN)
    assert (refused.status_code, _cookies(refused)) == (403, [])


def test_what_was_typed_stays_in_the_form(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    page = visitor().post(sent.path, WRONG).get_data(as_text=True)
    assert re.search(r'name="day"[^>]*value="15"', page)
    assert re.search(r'name="year"[^>]*value="1951"', page)


@pytest.mark.parametrize(
    "typed",
    [
        {"day": "31", "month": "2", "year": "1951"},
        {"day": "0", "month": "3", "year": "1951"},
        {"day": "", "month": "", "year": ""},
        {"day": "14", "month": "March", "year": "1951"},
        {"day": "14", "month": "3", "year": "51"},
        {"day": "14", "month": "3", "year": "2999"},
        {"day": "14", "month": "3", "year": "1600"},
        {"day": "-1", "month": "3", "year": "1951"},
        {"day": "²", "month": "3", "year": "1951"},
        {"day": "9" * 400, "month": "3", "year": "1951"},
        {},
    ],
)
def test_a_date_that_cannot_be_one_uses_up_no_try(
    sent: Sent, visitor: Callable[[], Visitor], typed: dict[str, str]
) -> None:
    answer = visitor().post(sent.path, typed)
    assert answer.status_code == 422
    assert "Please check the date" in _text(answer)
    assert sent.row()["failed_tries"] == 0


def test_spaces_and_leading_zeros_are_no_mistake(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    assert visitor().post(sent.path, {"day": " 14 ", "month": "03", "year": "1951 "}).status_code == 303


def test_staff_can_unlock_and_the_patient_gets_in(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    for _ in range(5):
        browser.post(sent.path, WRONG)
    with sent.house.at(sent.house.riverside):
        links.unlock(sent.id)
    assert browser.post(sent.path, BORN).status_code == 303


# --- links that lead nowhere ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "status", "words"),
    [
        ("expires_at", 410, "This link has expired"),
        ("cancelled_at", 410, "This link is no longer needed"),
        ("completed_at", 410, "This is done already"),
        ("locked_at", 403, "This link is locked"),
    ],
)
def test_a_closed_link_says_so_kindly(
    sent: Sent, visitor: Callable[[], Visitor], column: str, status: int, words: str
) -> None:
    sent.change(**{column: db.utcnow() - timedelta(seconds=1)})
    browser = visitor()
    for answer in (browser.get(sent.path), browser.post(sent.path, BORN), browser.post(sent.path, WRONG)):
        assert (answer.status_code, words in _text(answer)) == (status, True)
        assert "Riverside Surgery" in _text(answer)
        assert _cookies(answer) == []
    assert sent.row()["failed_tries"] == 0


def test_unknown_guessed_and_malformed_links_look_all_the_same(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    pages = set()
    for token in (tokens.new_token(), "x", "A" * 32, "a" * 5000, "%00", sent.path[3:].upper()):
        for answer in (browser.get(f"/l/{token}"), browser.post(f"/l/{token}", BORN)):
            assert answer.status_code == 404
            pages.add(
                re.sub(r'value="[^"]*"|content="[^"]*"|nonce="[^"]*"', "", answer.get_data(as_text=True))
            )
    assert all("This link does not work" in page for page in pages)
    assert not any("Riverside" in page or "Lumi" in page for page in pages)


def test_with_the_plugin_off_the_link_says_so_and_with_it_on_again_it_works(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    with sent.house.at(sent.house.riverside):
        activation.disable("photo_request")
    browser = visitor()
    off = browser.post(sent.path, BORN)
    assert (off.status_code, "not available at the moment" in _text(off)) == (404, True)
    assert sent.row()["verified_at"] is None
    with sent.house.at(sent.house.riverside):
        activation.enable("photo_request")
    assert browser.post(sent.path, BORN).status_code == 303


def test_a_link_of_a_suspended_practice_says_so_kindly(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.post(sent.path, BORN)
    with db.scope() as session:
        session.get_one(tenancy.Practice, sent.house.riverside).status = "suspended"
    for path in (sent.path, f"/v/{sent.id}/"):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert "Riverside Surgery cannot be reached this way for now" in _text(answer)


# --- behind the check ----------------------------------------------------------------------------------------------


def _inside(
    house: House, visitor: Callable[[], Visitor], family_name: str, born: dict[str, str]
) -> tuple[Visitor, Any]:
    """A visitor who has passed the check of a real photo request, and its link's id."""
    patient_id = house.patient_id(house.riverside, family_name)
    with house.at(house.riverside) as session:
        issued = links.issue("photo_request.photos", patient_id, db.uuid7())
        session.flush()
    browser = visitor()
    path = issued.url.removeprefix(house.settings.base_url)
    assert browser.post(path, born).status_code == 303
    return browser, issued.link.id


def _may_enter(browser: Visitor, link_id: UUID) -> bool:
    """The index of a link leads on for whoever may enter, and to a closed page for whoever may not."""
    answer = browser.get(f"/v/{link_id}/")
    assert answer.status_code in (302, 403, 404, 410)
    return bool(answer.status_code == 302)


def test_the_cookie_of_one_link_opens_no_other(house: House, visitor: Callable[[], Visitor]) -> None:
    browser, own = _inside(house, visitor, "Whitfield", BORN)
    _, other = _inside(house, visitor, "Okafor", {"day": "2", "month": "11", "year": "1987"})
    assert _may_enter(browser, own)
    assert not _may_enter(browser, other)
    # Nor when it is sent there under the other link's name.
    stolen = next(cookie for key, cookie in browser.client._cookies.items() if "careroom_link" in key[2])
    browser.client.set_cookie(f"careroom_link_{other.hex[-12:]}", stolen.value, path=f"/v/{other}")
    assert not _may_enter(browser, other)


def test_without_the_cookie_the_page_asks_to_open_the_link_again(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    answer = visitor().get(f"/v/{sent.id}/")
    assert answer.status_code == 403
    assert "Please open your link again" in _text(answer)
    assert "Riverside" not in _text(answer)


def test_an_unknown_link_and_a_foreign_one_look_the_same(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    assert _text(visitor().get(f"/v/{sent.id}/")) == _text(visitor().get(f"/v/{db.uuid7()}/"))


@pytest.mark.parametrize("inside", [False, True])
def test_a_closed_link_speaks_the_patients_own_language(
    send: Callable[[str], Sent], visitor: Callable[[], Visitor], inside: bool
) -> None:
    sent = send("Garnier")  # reads French, in an English practice
    elodie = visitor()
    if inside:
        assert elodie.post(sent.path, {"day": "21", "month": "6", "year": "1994"}).status_code == 303
    with sent.house.at(sent.house.riverside):
        links.cancel(sent.id)
    answer = elodie.get(f"/v/{sent.id}/photo_request/" if inside else sent.path)
    assert answer.status_code == 410
    assert 'lang="fr-FR"' in answer.get_data(as_text=True)


def test_cancelling_shows_out_whoever_is_inside(house: House, visitor: Callable[[], Visitor]) -> None:
    browser, link_id = _inside(house, visitor, "Whitfield", BORN)
    assert _may_enter(browser, link_id)
    with house.at(house.riverside):
        links.cancel(link_id)
    answer = browser.get(f"/v/{link_id}/")
    assert (answer.status_code, "no longer needed" in _text(answer)) == (410, True)


def test_a_lock_shows_out_and_after_unlocking_the_date_is_asked_again(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser, link_id = _inside(house, visitor, "Whitfield", BORN)
    with house.at(house.riverside):
        link = links.get(link_id)
        for _ in range(5):
            links.check_birth_date(link, db.utcnow().date())
    assert "This link is locked" in _text(browser.get(f"/v/{link_id}/"))
    with house.at(house.riverside):
        links.unlock(link_id)
    assert "Please open your link again" in _text(browser.get(f"/v/{link_id}/"))


def test_after_completion_pages_can_be_read_and_nothing_can_be_changed(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser, link_id = _inside(house, visitor, "Whitfield", BORN)
    with house.at(house.riverside):
        links.complete(link_id)
    assert _may_enter(browser, link_id)
    for rule in browser.app.url_map.iter_rules():
        if rule.rule.startswith("/v/<uuid:link_id>/photo_request") and "POST" in (rule.methods or ()):
            path = browser.app.url_map.bind("localhost").build(
                rule.endpoint, {name: link_id if name == "link_id" else db.uuid7() for name in rule.arguments}
            )
            answer = browser.post(path)
            assert (answer.status_code, "This is done already" in _text(answer)) == (410, True), path


def test_a_cookie_that_was_changed_or_is_too_old_opens_nothing(
    house: House, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, link_id = _inside(house, visitor, "Whitfield", BORN)
    (key,) = [key for key in browser.client._cookies if "careroom_link" in key[2]]
    value = browser.client._cookies[key].value
    thief = visitor()
    thief.client.set_cookie(key[2], value, path=f"/v/{link_id}")
    assert _may_enter(thief, link_id)  # the same cookie is the same key: it is what signs
    thief.client.set_cookie(key[2], value[:-2] + ("AA" if value[-2:] != "AA" else "BB"), path=f"/v/{link_id}")
    assert not _may_enter(thief, link_id)
    monkeypatch.setattr("core.web.links.COOKIE_SECONDS", -1)
    assert not _may_enter(browser, link_id)


# --- languages -----------------------------------------------------------------------------------------------------


def test_the_patients_own_language_wins(send: Callable[[str], Sent], visitor: Callable[[], Visitor]) -> None:
    garnier = send("Garnier")  # reads French, in an English practice
    page = visitor().get(garnier.path).get_data(as_text=True)
    assert '<html lang="fr' in page
    with i18n.use_language("fr"):
        assert i18n._("What is your date of birth?") in page


def test_the_language_that_is_chosen_on_the_page_wins_over_all(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    answer = browser.post("/preferences", {"language": "fr", "next": sent.path})
    assert (answer.status_code, answer.location) == (303, sent.path)
    assert '<html lang="fr' in browser.get(sent.path).get_data(as_text=True)
    # Staff who use the same browser keep theirs.
    assert '<html lang="fr' not in browser.get("/login").get_data(as_text=True)


def test_a_closed_page_speaks_the_practices_language(house: House, visitor: Callable[[], Visitor]) -> None:
    patient_id = house.patient_id(house.lumiere, "Benali")
    with house.at(house.lumiere):
        issued = links.issue("photo_request.photos", patient_id, db.uuid7())
        links.cancel(issued.link.id)
    page = visitor().get(issued.url.removeprefix(house.settings.base_url)).get_data(as_text=True)
    assert '<html lang="fr' in page
    assert "Cabinet Lumière" in page


def test_a_wrong_date_is_answered_in_the_language_of_the_page(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    patient_id = house.patient_id(house.lumiere, "Benali")
    with house.at(house.lumiere):
        issued = links.issue("photo_request.photos", patient_id, db.uuid7())
    browser, path = visitor(), issued.url.removeprefix(house.settings.base_url)
    for entered, answer in ((WRONG, "ne correspond pas"), ({"day": "31"}, "en chiffres")):
        page = _text(browser.post(path, entered, headers={"Accept-Language": "en-GB"}))
        assert answer in page


# --- limits --------------------------------------------------------------------------------------------------------


def test_guessing_from_one_address_is_stopped(app: Flask, sent: Sent, visitor: Callable[[], Visitor]) -> None:
    sent.house.settings.rate_limits = True
    limits.forget()
    browser = visitor()
    statuses = [browser.post(f"/l/{tokens.new_token()}", BORN).status_code for _ in range(31)]
    assert statuses == [404] * 30 + [429]
    waiting = browser.post(sent.path, BORN)
    assert (waiting.status_code, "Please wait a little" in _text(waiting)) == (429, True)
    elsewhere = visitor().post(sent.path, BORN, environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
    assert elsewhere.status_code == 303
    limits.forget()
