"""The bell."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from core.i18n import N_, _l, use_language
from core.notifications import inbox
from core.realtime.events import events_since
from tests.peers.clinic import Clinic

pytestmark = pytest.mark.both_databases

SEE = {"photo_request.view"}


def hang(clinic: Clinic, number: int = 1, **options: object) -> UUID:
    with clinic.at():
        return inbox.notify(
            **{
                "title": _l("Photos: %(number)s", number=number),
                "url": f"/photo_request/requests/{number}",
                "permission": "photo_request.view",
                **options,
            }  # type: ignore[arg-type]
        ).id


def test_everybody_with_the_permission_sees_it_until_they_have_read_it(clinic: Clinic) -> None:
    item = hang(clinic)
    with clinic.at():
        assert inbox.unread_count(1, SEE) == 1
        assert inbox.unread_count(1, {"other.view"}) == 0
        assert inbox.items(1, set()) == []
        assert inbox.mark_read(1, [item], permissions=SEE) == 1
        assert inbox.mark_read(1, [item], permissions=SEE) == 0
        assert inbox.unread_count(1, SEE) == 0
        assert inbox.unread_count(2, SEE) == 1
        assert [entry.read for entry in inbox.items(1, SEE)] == [True]
        assert [entry.read for entry in inbox.items(2, SEE)] == [False]


def test_each_reads_it_in_their_language(clinic: Clinic) -> None:
    hang(clinic, title=N_("Photos from %(name)s"), params={"name": "Zoé %(x)s {y}"})
    with clinic.at(write=False):
        assert inbox.items(1, SEE)[0].title == "Photos from Zoé %(x)s {y}"
        with use_language("en-XA"):
            title = inbox.items(1, SEE)[0].title
    assert "Zoé %(x)s {y}" in title
    assert not title.startswith("Photos")


def test_the_address_is_below_the_practice_and_never_elsewhere(clinic: Clinic) -> None:
    hang(clinic, 7)
    with clinic.at(write=False):
        assert inbox.items(1, SEE)[0].url == "/p/riverside/photo_request/requests/7"
    for url in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        with pytest.raises(ValueError, match="below the practice"):
            hang(clinic, url=url)


def test_items_of_a_plugin_that_is_off_are_hidden(clinic: Clinic) -> None:
    hang(clinic)
    clinic.on.clear()
    with clinic.at(write=False):
        assert inbox.items(1, SEE) == []
        assert inbox.unread_count(1, SEE) == 0
    clinic.on.add("photo_request")
    with clinic.at(write=False):
        assert inbox.unread_count(1, SEE) == 1


def test_another_practice_sees_nothing_and_can_mark_nothing(clinic: Clinic) -> None:
    item = hang(clinic)
    with clinic.at(clinic.lumiere):
        assert inbox.items(1, SEE) == []
        assert inbox.mark_read(1, [item], permissions=SEE) == 0
        assert inbox.mark_read(1, permissions=SEE) == 0
    with clinic.at(write=False):
        assert inbox.unread_count(1, SEE) == 1


def test_newest_first_and_all_read_at_once(clinic: Clinic) -> None:
    for number in range(5):
        hang(clinic, number)
    with clinic.at():
        assert [entry.title for entry in inbox.items(1, SEE, limit=3)] == [
            "Photos: 4",
            "Photos: 3",
            "Photos: 2",
        ]
        assert inbox.mark_read(1, permissions=SEE) == 5
        assert inbox.unread_count(1, SEE) == 0


def test_looking_at_the_thing_itself_reads_its_items(clinic: Clinic) -> None:
    subject = uuid4()
    hang(clinic, 1, subject=("photo_request.request", subject))
    hang(clinic, 2)
    with clinic.at():
        assert inbox.mark_subject_read(1, subject, permissions=SEE) == 1
        assert inbox.unread_count(1, SEE) == 1


def test_the_same_key_hangs_one_item(clinic: Clinic) -> None:
    assert hang(clinic, 1, key="k") == hang(clinic, 2, key="k")
    with clinic.at(write=False):
        assert inbox.unread_count(1, SEE) == 1


def test_what_is_no_longer_so_goes_from_every_bell_and_open_pages_hear_it(clinic: Clinic) -> None:
    item = hang(clinic, key="ready:1")
    hang(clinic, 2)
    with clinic.at():
        inbox.mark_read(1, [item], permissions=SEE)
        assert inbox.withdraw("ready:1") is True
        assert inbox.withdraw("ready:1") is False
        assert [entry.title for entry in inbox.items(2, SEE)] == ["Photos: 2"]
    with clinic.at(write=False):
        *_, event = events_since(0)
        assert (event.topic, event.type, event.ids) == ("core.inbox", "withdrawn", {})
    assert hang(clinic, 3, key="ready:1") != item
    with clinic.at(write=False):
        assert inbox.unread_count(1, SEE) == 2, "the same key rings anew"


def test_nobody_withdraws_from_the_bell_of_another_practice(clinic: Clinic) -> None:
    hang(clinic, key="ready:1")
    with clinic.at(clinic.lumiere):
        assert inbox.withdraw("ready:1") is False
    with clinic.at(write=False):
        assert inbox.unread_count(1, SEE) == 1


def test_pages_hear_of_it_without_a_word_of_what_it_is(clinic: Clinic) -> None:
    item = hang(clinic, title=N_("Photos from %(name)s"), params={"name": "Ada Byron"})
    with clinic.at(write=False):
        [event] = events_since(0)
        assert (event.topic, event.type, event.ids) == ("core.inbox", "new", {"item": str(item)})
