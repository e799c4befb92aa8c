"""Dates of birth are guessed: from one address on many links, and from many addresses at one practice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from core import db, links
from core.audit import AuditEntry, PlatformAuditEntry
from core.notifications import InboxItem
from core.security import limits
from core.security.limits import Limit
from tests.support.house import House, Visitor

RIGHT = {"day": "14", "month": "3", "year": "1951"}
WRONG = {"day": "15", "month": "3", "year": "1951"}


@pytest.fixture
def counted(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """With limits on; a practice is on its guard after six wrong dates."""
    house.settings.rate_limits = True
    monkeypatch.setattr(limits, "LINK_BY_PRACTICE", Limit("tests.practice", "6 per 10 minutes"))
    limits.forget()
    yield house
    limits.forget()


def send(house: House, practice_id: UUID | None = None, family_name: str = "Whitfield") -> str:
    """The path of a new link."""
    where = practice_id or house.riverside
    patient_id = house.patient_id(where, family_name)
    with house.at(where):
        return links.issue("photo_request.photos", patient_id, db.uuid7()).url.removeprefix(
            house.settings.base_url
        )


def enter(visitor: Callable[[], Visitor], path: str, date: dict[str, str], address: str) -> Any:
    return visitor().post(path, date, environ_overrides={"REMOTE_ADDR": address})


def besiege(house: House, visitor: Callable[[], Visitor]) -> None:
    """Six wrong dates on two links, each from an address of its own."""
    paths = [send(house), send(house)]
    for number in range(6):
        assert enter(visitor, paths[number % 2], WRONG, f"198.51.100.{number}").status_code == 422


def test_one_address_that_is_wrong_on_many_links_has_to_wait(
    counted: House, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LINK_BY_PRACTICE", Limit("tests.practice", "1000 per minute"))
    paths = [send(counted) for _each in range(11)]
    answers = [enter(visitor, paths[n // 3], WRONG, "192.0.2.1").status_code for n in range(31)]
    assert answers == [422] * 30 + [429]
    assert enter(visitor, paths[-1], RIGHT, "192.0.2.1").status_code == 429
    assert enter(visitor, paths[-1], RIGHT, "192.0.2.2").status_code == 303


def test_a_practice_under_siege_slows_those_who_were_wrong_and_nobody_else(
    counted: House, visitor: Callable[[], Visitor]
) -> None:
    besiege(counted, visitor)
    path = send(counted)
    assert [enter(visitor, path, WRONG, "203.0.113.5").status_code for _each in range(3)] == [422, 422, 429]
    waiting = enter(visitor, path, RIGHT, "203.0.113.5")
    assert waiting.status_code == 429
    assert waiting.headers["Retry-After"] == "600"
    # An honest patient slips once and comes in.
    assert enter(visitor, path, WRONG, "203.0.113.6").status_code == 422
    assert enter(visitor, path, RIGHT, "203.0.113.6").status_code == 303


def test_another_practice_is_not_on_its_guard(counted: House, visitor: Callable[[], Visitor]) -> None:
    besiege(counted, visitor)
    with counted.at(counted.lumiere, write=False) as session:
        from core.patients import Patient

        somebody = session.scalars(select(Patient.family_name)).first()
    path = send(counted, counted.lumiere, str(somebody))
    answers = [
        enter(visitor, path, {**WRONG, "year": "1900"}, "203.0.113.7").status_code for _each in range(3)
    ]
    assert answers == [422] * 3


def test_a_siege_is_written_down_once_and_told_to_the_practice(
    counted: House, visitor: Callable[[], Visitor]
) -> None:
    with capture_logs() as logs:
        besiege(counted, visitor)
        enter(visitor, send(counted), WRONG, "203.0.113.8")
    told = [entry for entry in logs if entry["event"] == "links.practice_on_guard"]
    assert [entry["practice"] for entry in told] == [str(counted.riverside)]
    with counted.at(counted.riverside, write=False) as session:
        seen = session.scalar(
            select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "links.guessing_seen")
        )
        bells = session.scalars(select(InboxItem).where(InboxItem.permission == "core.view_audit")).all()
    with db.scope(write=False) as session:
        on_platform = session.scalars(
            select(PlatformAuditEntry.action).where(PlatformAuditEntry.action == "links.guessing_seen")
        ).all()
    assert (seen, len(bells), len(on_platform)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_network_is_one_address(address: str | None, counted_as: str) -> None:
    assert limits.origin(address) == counted_as
