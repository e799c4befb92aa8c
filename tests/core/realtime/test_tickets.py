"""A ticket opens its practice's topics, for its session, for a while, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from core import db
from core.realtime import tickets
from core.realtime.tickets import (
    TicketEnded,
    TicketExpired,
    TicketForeign,
    TicketForged,
    TicketRefused,
    check_not_ended,
    end_session,
    issue,
    read,
    renew,
)
from core.realtime.topics import BadEvent
from core.settings import Settings

TOPICS = ["demo.thing", "demo.thing:42"]
ANN = {"actor_kind": "staff", "actor_id": "7", "session_id": "session-of-ann"}


@pytest.fixture
def practice(embedded: Callable[..., Settings], make_practice: Callable[[str], UUID]) -> UUID:
    embedded()
    return make_practice("riverside")


@pytest.fixture
def token(practice: UUID) -> str:
    with db.scope(practice, write=False):
        return issue(TOPICS, **ANN, grant="clinician")


def _later(monkeypatch: pytest.MonkeyPatch, wait: timedelta) -> None:
    then = tickets.URLSafeTimedSerializer.default_signer.get_timestamp
    monkeypatch.setattr(
        tickets.URLSafeTimedSerializer.default_signer,
        "get_timestamp",
        lambda signer: then(signer) + int(wait.total_seconds()),
    )


def test_it_says_what_was_put_in(practice: UUID, token: str) -> None:
    ticket = read(token)
    assert (ticket.practice_id, ticket.topics, ticket.grant) == (practice, tuple(TOPICS), "clinician")
    assert (ticket.actor_kind, ticket.actor_id) == ("staff", "7")
    assert ticket.binding == tickets.binding("session-of-ann") != tickets.binding("session-of-bob")


def test_it_does_not_hold_the_session_id(token: str) -> None:
    assert "session-of-ann" not in token
    assert "session-of-ann" not in str(read(token))


def test_it_expires(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _later(monkeypatch, tickets.LIFETIME - timedelta(seconds=5))
    assert read(token)
    _later(monkeypatch, timedelta(seconds=10))
    with pytest.raises(TicketExpired):
        read(token)


@pytest.mark.parametrize("spoil", [lambda t: t[:-2], lambda t: "e" + t, lambda t: "", lambda t: t + t])
def test_a_spoilt_one_is_forged(token: str, spoil: Callable[[str], str]) -> None:
    with pytest.raises(TicketForged):
        read(spoil(token))


def test_one_signed_for_another_purpose_is_forged(practice: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tickets.URLSafeTimedSerializer("a-secret-for-tests-that-is-long-enough", salt="session")
    with pytest.raises(TicketForged):
        read(other.dumps({"p": practice.hex, "t": [], "k": "", "a": "", "b": practice.hex, "g": ""}))


def test_it_needs_a_practice_and_topics(practice: UUID) -> None:
    with db.scope(), pytest.raises(db.NoPractice):
        issue(TOPICS, **ANN)
    with db.scope(practice, write=False), pytest.raises(BadEvent):
        issue(["*"], **ANN)


def test_an_expired_one_is_renewed_for_the_same_person(
    practice: UUID, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _later(monkeypatch, timedelta(hours=12))
    with db.scope(practice, write=False):
        fresh = renew(token, **ANN, grant="clinician", may_hear=lambda owner: owner == "demo")
    assert read(fresh).topics == tuple(TOPICS)
    _later(monkeypatch, timedelta(days=3))
    with db.scope(practice, write=False), pytest.raises(TicketExpired):
        renew(token, **ANN, grant="clinician")


def test_topics_of_a_plugin_that_is_off_are_left_out(practice: UUID) -> None:
    with db.scope(practice, write=False):
        old = issue(["core.thing", "demo.thing"], **ANN)
        assert read(renew(old, **ANN, may_hear=lambda owner: owner == "core")).topics == ("core.thing",)


@pytest.mark.parametrize(
    "change",
    [
        {"actor_id": "8"},
        {"actor_kind": "patient"},
        {"session_id": "session-of-bob"},
        {"grant": "receptionist"},
    ],
)
def test_nobody_else_renews_it(practice: UUID, token: str, change: dict[str, str]) -> None:
    with db.scope(practice, write=False), pytest.raises(TicketForeign):
        renew(token, **{**ANN, "grant": "clinician", **change})


def test_no_other_practice_renews_it(token: str, make_practice: Callable[[str], UUID]) -> None:
    with db.scope(make_practice("lumiere"), write=False), pytest.raises(TicketForeign):
        renew(token, **ANN, grant="clinician")


def test_the_end_of_the_session_ends_it(practice: UUID, token: str) -> None:
    with db.scope(practice, write=False):
        check_not_ended(read(token))
    with db.scope(practice):
        end_session("session-of-bob")
    with db.scope(practice, write=False):
        check_not_ended(read(token))
    with db.scope(practice):
        end_session("session-of-ann")
    with db.scope(practice, write=False):
        with pytest.raises(TicketEnded):
            check_not_ended(read(token))
        with pytest.raises(TicketRefused):
            renew(token, **ANN, grant="clinician")
