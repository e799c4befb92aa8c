"""Behind the check: one link opens no other, and whoever is inside is shown out when it closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core import db, links
from tests.core.links.sent import BORN, Sent
from tests.support.house import House, Visitor
from tests.support.pages import text


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
    assert "Please open your link again" in text(answer)
    assert "Riverside" not in text(answer)


def test_an_unknown_link_and_a_foreign_one_look_the_same(sent: Sent, visitor: Callable[[], Visitor]) -> None:
    assert text(visitor().get(f"/v/{sent.id}/")) == text(visitor().get(f"/v/{db.uuid7()}/"))


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
    assert (answer.status_code, "no longer needed" in text(answer)) == (410, True)


def test_a_lock_shows_out_and_after_unlocking_the_date_is_asked_again(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser, link_id = _inside(house, visitor, "Whitfield", BORN)
    with house.at(house.riverside):
        link = links.get(link_id)
        for _ in range(5):
            links.check_birth_date(link, db.utcnow().date())
    assert "This link is locked" in text(browser.get(f"/v/{link_id}/"))
    with house.at(house.riverside):
        links.unlock(link_id)
    assert "Please open your link again" in text(browser.get(f"/v/{link_id}/"))


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
            assert (answer.status_code, "This is done already" in text(answer)) == (410, True), path


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
