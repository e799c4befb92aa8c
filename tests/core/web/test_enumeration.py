"""Trying names gives nothing away: a practice that is not there looks like one that is somebody else's."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from core import db, links
from tests.support.house import House, Visitor

STAFF = (
    "",
    "patients",
    "messages",
    "admin/plugins",
    "photo_request/",
    "patients/01900000-0000-7000-8000-000000000000",
    "bell",
)


def facts(answer: Any) -> tuple[int, list[tuple[str, str]], str]:
    """All that a stranger can see of an answer, free of what differs between any two answers."""
    headers = [
        (name, re.sub(r"nonce-[\w-]+", "nonce-", value))
        for name, value in answer.headers
        if name.lower() not in ("date", "set-cookie", "x-request-id")
    ]
    body = re.sub(r'(nonce|content|value)="[^"]{20,}"', "", answer.get_data(as_text=True))
    return answer.status_code, sorted(headers), body


def named(facts_of: tuple[int, list[tuple[str, str]], str], slug: str) -> tuple[int, str]:
    """The same with the name that was asked for taken out, wherever it is echoed."""
    status, headers, body = facts_of
    kept = [(name, value) for name, value in headers if name != "Content-Length"]
    return status, f"{kept}{body}".replace(slug, "SLUG")


@pytest.mark.parametrize("page", STAFF)
@pytest.mark.parametrize("signed_in", [False, True])
def test_an_unknown_practice_looks_like_a_foreign_one(
    house: House, visitor: Callable[[], Visitor], page: str, signed_in: bool
) -> None:
    browser = visitor()
    if signed_in:
        browser.sign_in("amira")  # of Riverside alone
    foreign = facts(browser.get(f"/p/lumiere/{page}"))
    unknown = facts(browser.get(f"/p/nowhere/{page}"))
    assert named(foreign, "lumiere") == named(unknown, "nowhere")
    assert foreign[0] == (404 if signed_in else 302)


def test_an_unknown_practice_takes_as_long_as_a_foreign_one(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    browser.sign_in("amira")
    times: dict[str, list[float]] = {"lumiere": [], "nowhere": []}
    for _each in range(40):
        for slug, found in times.items():
            began = time.perf_counter()
            browser.get(f"/p/{slug}/patients")
            found.append(time.perf_counter() - began)
    foreign, unknown = (statistics.median(found) for found in times.values())
    assert abs(foreign - unknown) < 0.5 * max(foreign, unknown)


def test_links_that_are_not_there_all_look_the_same(house: House, visitor: Callable[[], Visitor]) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        known = links.issue("photo_request.photos", patient_id, db.uuid7()).url.rpartition("/")[2]
    browser = visitor()
    answers = {
        token: named(facts(browser.get(f"/l/{token}")), token)
        for token in ("A" * len(known), known[:-1], known + "A", known.upper(), known[::-1])
    }
    assert len(set(answers.values())) == 1, {token: answer[0] for token, answer in answers.items()}
    assert next(iter(answers.values()))[0] == 404
    for odd in ("x", "%00", "' OR 1=1--", "a" * 4000):
        answer = browser.get(f"/l/{odd}")
        assert (answer.status_code, "This link does not work" in answer.get_data(as_text=True)) == (404, True)


def test_a_patients_page_looks_the_same_whether_there_is_such_a_link(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        known = str(links.issue("photo_request.photos", patient_id, db.uuid7()).link.id)
    other = str(uuid4())
    for page in ("", "photo_request/"):
        there = facts(visitor().get(f"/v/{known}/{page}"))
        not_there = facts(visitor().get(f"/v/{other}/{page}"))
        assert named(there, known) == named(not_there, other)
