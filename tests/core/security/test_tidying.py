"""What sign-in leaves behind goes after its time, and not before; who works in no practice is written to as well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core import db, demo
from core.notifications import platform_mail, staff
from core.notifications.channels import NotNow, Outgoing, Receipt, Rejected
from core.notifications.models import PlatformMail
from core.security import letters, tidying, users
from core.security.models import Invitation, KnownDevice, PasswordReset, RecoveryCode, SignInSession
from tests.support.house import House, Visitor

Rows = Callable[[Any], list[Any]]


def ago(days: int) -> Any:
    return db.utcnow() - timedelta(days=days)


@pytest.mark.both_databases
def test_what_is_over_for_long_goes_and_the_rest_stays(house: House) -> None:
    with db.scope() as session:
        boss = users.create_user("boss", "boss@example.com", "Bo", "Ss", demo.PASSWORD, is_operator=True).id
        session.add_all(
            [
                PasswordReset(user_id=boss, token_hash="old", expires_at=ago(31)),
                PasswordReset(user_id=boss, token_hash="new", expires_at=ago(29)),
                SignInSession(user_id=boss, browser="over", expires_at=ago(31)),
                SignInSession(user_id=boss, browser="ended", expires_at=ago(-1), ended_at=ago(31)),
                SignInSession(user_id=boss, browser="open", expires_at=ago(-1)),
                RecoveryCode(user_id=boss, code_hash="spent", used_at=ago(31)),
                RecoveryCode(user_id=boss, code_hash="unused"),
                KnownDevice(user_id=boss, token_hash="forgotten", seen_at=ago(401)),
                KnownDevice(user_id=boss, token_hash="known", seen_at=ago(399)),
            ]
        )
    with house.at(house.riverside) as session:
        for days in (91, 89):
            session.add(
                Invitation(
                    email=f"{days}@example.com",
                    given_names="A",
                    family_name="B",
                    role="clinician",
                    token_hash=str(days),
                    expires_at=ago(days),
                    invited_by="1",
                    invited_by_name="C",
                )
            )
    tidying.tidy({})
    with db.scope(write=False) as session:
        mine = {"user_id": boss}
        assert session.scalars(select(PasswordReset.token_hash).filter_by(**mine)).all() == ["new"]
        assert session.scalars(select(SignInSession.browser).filter_by(**mine)).all() == ["open"]
        assert session.scalars(select(RecoveryCode.code_hash).filter_by(**mine)).all() == ["unused"]
        assert session.scalars(select(KnownDevice.token_hash).filter_by(**mine)).all() == ["known"]
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(Invitation.email)).all() == ["89@example.com"]


# --- mail of the platform ------------------------------------------------------------------------------------------


class Way:
    """A mail server that answers what it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.taken = fault, list[Outgoing]()

    def deliver(self, message: Outgoing) -> Receipt:
        if self.fault is not None:
            raise self.fault
        self.taken.append(message)
        return Receipt("smtp", str(message.id))


def waiting() -> list[PlatformMail]:
    with db.scope(write=False) as session:
        return list(session.scalars(select(PlatformMail).order_by(PlatformMail.created_at)))


@pytest.fixture
def boss(house: House) -> int:
    """An operator who works in no practice."""
    with db.scope():
        return int(
            users.create_user("boss", "boss@example.com", "Bo", "Ss", demo.PASSWORD, is_operator=True).id
        )


@pytest.mark.both_databases
def test_an_operator_of_no_practice_gets_security_mails_too(house: House, boss: int, visitor: Any) -> None:
    with db.scope():
        letters.tell_change(boss, letters.PASSWORD_CHANGED)
    way = Way()
    assert platform_mail.deliver_due(way) == 1
    assert platform_mail.deliver_due(way) == 0
    [mail] = way.taken
    assert (mail.recipient, mail.subject, mail.sender_name) == (
        "boss@example.com",
        "Your password was changed",
        "Careroom",
    )
    assert "Hello Bo Ss" in mail.body
    [row] = waiting()
    assert (row.state, row.last_error) == ("sent", None)


def test_a_forgotten_password_of_an_operator(house: House, boss: int, visitor: Callable[[], Visitor]) -> None:
    visitor().post("/forgotten-password", {"name": "boss"})
    way = Way()
    platform_mail.deliver_due(way)
    assert "/new-password/" in way.taken[0].body
    assert "••••" in waiting()[0].body, "a key is not kept"


def test_a_mail_server_that_is_away_is_asked_again_and_a_refusal_is_the_end(house: House, boss: int) -> None:
    with db.scope():
        letters.tell_change(boss, letters.PASSWORD_CHANGED)
    platform_mail.deliver_due(Way(NotNow("provider_unreachable", sick=True)))
    [row] = waiting()
    assert (row.state, row.last_error, row.attempts) == ("queued", "provider_unreachable", 1)
    assert row.due_at > db.utcnow()
    with db.scope() as session:
        session.get_one(PlatformMail, row.id).due_at = db.utcnow()
    platform_mail.deliver_due(Way(Rejected("recipient_refused", "550")))
    [row] = waiting()
    assert (row.state, row.last_error, row.attempts) == ("dead", "recipient_refused", 2)


def test_who_works_in_a_practice_is_written_to_by_it(house: House) -> None:
    with db.scope(write=False) as session:
        from flask_appbuilder.security.sqla.models import User

        amira = session.scalars(select(User.id).where(User.username == "amira")).one()
    with db.scope():
        assert letters.write(amira, staff.SIGN_IN_PAUSED) is not None
    with db.scope(write=False) as session:
        assert session.scalar(select(func.count(PlatformMail.id))) == 0
