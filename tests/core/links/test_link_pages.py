"""The patient's way in, as a browser walks it: /l/<token>, the date of birth, /v/<link>/..."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core import db, i18n, links, tenancy
from core.audit import AuditEntry
from core.links import tokens
from core.plugin_system import activation
from core.realtime.models import Event
from core.security import limits
from tests.core.links.sent import BORN, NO_MATCH, WRONG, Sent, cookies
from tests.support.house import House, Visitor
from tests.support.pages import text

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
        assert cookies(answer) == []
    assert sent.row() == before
    assert everything() == told


def test_the_page_asks_for_the_date_of_birth_and_names_the_practice_but_nobody(
    sent: Sent, visitor: Callable[[], Visitor]
) -> None:
    page = text(visitor().get(sent.path))
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
    (cookie,) = cookies(answer)
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
    assert all(NO_MATCH in text(answer) for answer in answers)
    assert len({text(answer) for answer in answers}) == 1
    assert sent.row()["failed_tries"] == 4
    locked = browser.post(sent.path, WRONG)
    assert (locked.status_code, "This link is locked" in text(locked)) == (403, True)
    refused = browser.post(sent.path, BORN)
    assert (refused.status_code, cookies(refused)) == (403, [])


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
    assert "Please check the date" in text(answer)
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
        assert (answer.status_code, words in text(answer)) == (status, True)
        assert "Riverside Surgery" in text(answer)
        assert cookies(answer) == []
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
    assert (off.status_code, "not available at the moment" in text(off)) == (404, True)
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
        assert "Riverside Surgery cannot be reached this way for now" in answer.get_data(as_text=True)


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
        page = text(browser.post(path, entered, headers={"Accept-Language": "en-GB"}))
        assert answer in page


# --- limits --------------------------------------------------------------------------------------------------------


def test_guessing_from_one_address_is_stopped(app: Flask, sent: Sent, visitor: Callable[[], Visitor]) -> None:
    sent.house.settings.rate_limits = True
    limits.forget()
    browser = visitor()
    statuses = [browser.post(f"/l/{tokens.new_token()}", BORN).status_code for _ in range(31)]
    assert statuses == [404] * 30 + [429]
    waiting = browser.post(sent.path, BORN)
    assert (waiting.status_code, "Please wait a little" in text(waiting)) == (429, True)
    elsewhere = visitor().post(sent.path, BORN, environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
    assert elsewhere.status_code == 303
    limits.forget()
