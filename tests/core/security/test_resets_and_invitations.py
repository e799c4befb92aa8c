"""Links by e-mail: for a new password, and for joining a practice. Each works once, in time, for the right person."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update

from core import audit, db
from core.audit import Actor, AuditEntry, PlatformAuditEntry
from core.demo import PASSWORD
from core.notifications import InboxItem, Notification
from core.security import create_user, invitations, limits, sign_in
from core.security.invitations import InvitationOver, InvitationRefused
from core.security.models import Invitation, PasswordReset
from core.tenancy import Membership
from tests.support.house import House, Visitor

Visit = Callable[[], Visitor]
NEW = "otter-kettle-93-lantern"
GUEST = "sam.taylor@example.com"


def user_id(name: str) -> int:
    with db.scope(write=False) as session:
        return session.scalars(select(User.id).where(User.username == name)).one()


def letters(house: House, email: str) -> list[Notification]:
    with house.at(house.riverside, write=False) as session:
        return list(
            session.scalars(
                select(Notification).where(Notification.recipient == email).order_by(Notification.created_at)
            )
        )


def link_in(letter: Notification) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/(?:join|new-password)/[a-z2-7]{32})", letter.body)
    assert found is not None
    return found.group(1)


def ask(house: House, visitor: Visit, name: str = "amira") -> str:
    assert visitor().post("/forgotten-password", {"name": name}).status_code == 200
    return link_in(letters(house, "amira@riverside.example.com")[-1])


# --- a forgotten password ------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_link_sets_a_new_password_once_and_signs_out_everywhere(house: House, visitor: Visit) -> None:
    stolen = visitor()
    stolen.sign_in("amira")
    path = ask(house, visitor, "AMIRA@riverside.example.com")
    browser = visitor()
    assert browser.get(path).status_code == 200
    assert browser.get(path).status_code == 200, "looking changes nothing"
    assert browser.post(path, {"new_password": "amira-amira"}).status_code == 422
    done = browser.post(path, {"new_password": NEW})
    assert (done.status_code, done.location) == (303, "/login")
    assert browser.post(path, {"new_password": NEW + "2"}).status_code == 410
    assert browser.get(path).status_code == 410
    assert stolen.get("/account").status_code == 302
    assert visitor().sign_in("amira").status_code == 422
    assert visitor().sign_in("amira", NEW).status_code == 303
    subjects = [letter.subject for letter in letters(house, "amira@riverside.example.com")]
    assert "Your password was changed" in subjects


def test_the_answer_is_the_same_whether_there_is_an_account(house: House, visitor: Visit) -> None:
    def answer(name: str) -> str:
        page = visitor().post("/forgotten-password", {"name": name})
        assert page.status_code == 200
        text = html.unescape(page.get_data(as_text=True)).replace(name, "NAME")
        return re.sub(r'nonce[=-]"?[^"]+|content="[^"]+"|value="[^"]+"', "", text)

    assert answer("amira") == answer("nobody@example.com") == answer("'; DROP TABLE ab_user")
    assert letters(house, "nobody@example.com") == []


def test_a_link_ends_after_an_hour_and_with_a_newer_password(house: House, visitor: Visit) -> None:
    first, second = ask(house, visitor), ask(house, visitor)
    assert visitor().get(first).status_code == visitor().get(second).status_code == 200
    visitor().post(second, {"new_password": NEW})
    assert visitor().get(first).status_code == 410, "another link for the same account is over too"
    third = ask(house, visitor)
    with db.scope() as session:
        session.execute(update(PasswordReset).values(expires_at=db.utcnow() - timedelta(seconds=1)))
    assert visitor().get(third).status_code == 410
    assert visitor().post(third, {"new_password": NEW + "3"}).status_code == 410


@pytest.mark.parametrize("token", ["x", "a" * 32, "A" * 32, "%00" * 10, "a" * 5000])
def test_a_token_that_is_none_is_over(house: House, visitor: Visit, token: str) -> None:
    assert visitor().get(f"/new-password/{token}").status_code == 410
    assert visitor().get(f"/join/{token}").status_code == 410


def test_the_database_keeps_no_token(house: House, visitor: Visit) -> None:
    token = ask(house, visitor).rpartition("/")[2]
    with db.scope(write=False) as session:
        assert session.scalars(select(PasswordReset.token_hash)).one() != token


def test_nobodys_mailbox_is_filled_and_no_address_asks_for_ever(
    app: Flask, house: House, visitor: Visit
) -> None:
    house.settings.rate_limits = True
    limits.forget()
    asked = [visitor().post("/forgotten-password", {"name": "amira"}).status_code for _ in range(11)]
    assert asked == [200] * 10 + [429]
    assert len(letters(house, "amira@riverside.example.com")) == 3
    limits.forget()


def test_who_opens_too_many_links_is_asked_to_wait_and_not_told_that_theirs_is_over(
    app: Flask, house: House, visitor: Visit
) -> None:
    link = invite(house)
    house.settings.rate_limits = True
    limits.forget()
    for _ in range(240):
        limits.count(limits.LINK_PAGES_BY_ADDRESS, limits.origin("127.0.0.1"))
    for path in (link, f"/new-password/{'a' * 32}"):
        answer = visitor().get(path)
        assert answer.status_code == 429
        assert "Please wait a little" in answer.text
    limits.forget()


def test_somebody_who_left_gets_no_link(house: House, visitor: Visit) -> None:
    with db.scope() as session:
        session.scalars(select(User).where(User.username == "amira")).one().active = False
    visitor().post("/forgotten-password", {"name": "amira"})
    assert letters(house, "amira@riverside.example.com") == []


def test_the_link_is_unreadable_once_the_letter_is_on_its_way() -> None:
    from core.notifications.masking import mask_links

    for path in ("new-password", "join", "l"):
        assert "abcdefgh" not in mask_links(f"http://x.example/{path}/abcdefghabcdefgh.")


def test_a_pause_that_others_caused_ends_with_the_reset(house: House, visitor: Visit) -> None:
    for _try in range(sign_in.MAX_TRIES):
        sign_in.authenticate("amira", "wrong")
    path = ask(house, visitor)
    visitor().post(path, {"new_password": NEW})
    assert visitor().sign_in("amira", NEW).status_code == 303


# --- invitations ---------------------------------------------------------------------------------------------------


def invite(house: House, email: str = GUEST, role: str = "clinician", **names: str) -> str:
    with house.at(house.riverside), audit.use_actor(Actor("staff", "4", "Helen Price")):
        invitations.invite(email, names.get("given_names", "Sam"), names.get("family_name", "Taylor"), role)
    return link_in(letters(house, email.lower())[-1])


def roles_of(email: str) -> list[tuple[str, str]]:
    with db.scope(write=False) as session:
        query = select(User.username, Membership.role).join(Membership, Membership.user_id == User.id)
        return sorted(
            (row[0], row[1]) for row in session.execute(query.where(func.lower(User.email) == email))
        )


@pytest.mark.both_databases
def test_a_guest_makes_an_account_and_is_in(house: House, visitor: Visit) -> None:
    path = invite(house, "Sam.Taylor@Example.com")
    browser = visitor()
    page = browser.get(path).get_data(as_text=True)
    assert "Helen Price invites sam.taylor@example.com" in page
    form = {"given_names": "Sam", "family_name": "Taylor", "new_password": NEW}
    for wrong in ({"new_password": "samtaylor1"}, {"given_names": " "}, {"family_name": "x" * 65}):
        assert browser.post(path, {**form, **wrong}).status_code == 422
    done = browser.post(path, form)
    assert (done.status_code, done.location) == (303, "/p/riverside/")
    assert browser.get("/p/riverside/patients").status_code == 200
    assert roles_of(GUEST) == [(GUEST, "clinician")]
    assert visitor().sign_in(GUEST, NEW).status_code == 303
    assert visitor().get(path).status_code == visitor().post(path, form).status_code == 410
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(InboxItem.title_values)).all() == [{"name": "Sam Taylor"}]
        actions = session.scalars(select(AuditEntry.action)).all()
        assert {"staff.invited", "staff.joined"} <= set(actions)
    assert audit.verify(house.riverside).intact


def test_a_guest_whose_address_is_somebodys_user_name_is_told_so(house: House, visitor: Visit) -> None:
    path = invite(house)
    with db.scope():
        create_user(GUEST, "elsewhere@example.com", "Some", "Body", PASSWORD)
    form = {"given_names": "Sam", "family_name": "Taylor", "new_password": "otter-kettle-93-lantern"}
    answer = visitor().post(path, form)
    assert answer.status_code == 409
    assert "Somebody signs in with this address already" in answer.get_data(as_text=True)
    assert roles_of(GUEST) == []
    with house.at(house.riverside, write=False):
        assert len(invitations.pending()) == 1, "the invitation is still open"


def test_who_has_an_account_joins_with_it_and_with_no_other(house: House, visitor: Visit) -> None:
    path = invite(house, "claire@lumiere.example.com")
    stranger, claire, tom = visitor(), visitor(), visitor()
    assert "new_password" not in stranger.get(path).get_data(as_text=True)
    assert stranger.post(path, {"new_password": NEW}).status_code == 409
    tom.sign_in("tom")
    assert "for somebody else" in tom.get(path).get_data(as_text=True)
    assert tom.post(path).status_code == 409
    claire.sign_in("claire")
    assert claire.post(path).location == "/p/riverside/"
    assert claire.get("/p/riverside/patients").status_code == 200
    assert claire.get("/p/lumiere/patients").status_code == 200


@pytest.mark.parametrize(
    ("email", "role", "given"),
    [
        ("no address", "clinician", "Sam"),
        ("", "clinician", "Sam"),
        (GUEST, "operator", "Sam"),
        (GUEST, "king", "Sam"),
        (GUEST, "clinician", "  "),
        (GUEST, "clinician", "x" * 65),
        ("tom@riverside.example.com", "clinician", "Tom"),
    ],
)
def test_nobody_is_invited_by_wrong_values(house: House, email: str, role: str, given: str) -> None:
    with pytest.raises(InvitationRefused), house.at(house.riverside):
        invitations.invite(email, given, "Taylor", role)
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(Invitation)).all() == []


def _id(house: House) -> Any:
    with house.at(house.riverside, write=False):
        return invitations.pending()[0].id


def test_an_invitation_can_be_taken_back(house: House, visitor: Visit) -> None:
    path = invite(house)
    with house.at(house.riverside):
        invitations.withdraw(invitations.pending()[0].id)
    assert "took it back" in visitor().get(path).get_data(as_text=True)
    with house.at(house.riverside, write=False):
        assert invitations.pending() == []


def test_an_invitation_ends_after_a_week_and_can_be_sent_again_with_another_link(
    house: House, visitor: Visit
) -> None:
    path = invite(house)
    with house.at(house.riverside) as session:
        session.execute(update(Invitation).values(expires_at=db.utcnow()))
    assert "older than a week" in visitor().get(path).get_data(as_text=True)
    invitation_id = _id(house)
    with house.at(house.riverside):
        invitations.resend(invitation_id)
    newer = link_in(letters(house, GUEST)[-1])
    assert newer != path
    assert visitor().get(path).status_code == 410
    assert visitor().get(newer).status_code == 200
    with pytest.raises(InvitationRefused), house.at(house.riverside):
        invitations.invite(GUEST, "Sam", "Taylor", "clinician")


def test_another_practices_invitation_cannot_be_touched(house: House) -> None:
    invite(house)
    invitation_id = _id(house)
    for act in (invitations.withdraw, invitations.resend):
        with pytest.raises(LookupError), house.at(house.lumiere):
            act(invitation_id)


@pytest.mark.both_databases
def test_two_windows_accept_one_invitation_once(house: House) -> None:
    token = invite(house).rpartition("/")[2]
    opened = invitations.open_link(token)
    with house.at(house.riverside):
        invitations.accept(opened, user_id("claire"))
    with pytest.raises(InvitationOver), house.at(house.riverside):
        invitations.accept(opened, user_id("nadia"))
    assert roles_of("nadia@lumiere.example.com") == [("nadia", "clinician"), ("nadia", "practice_admin")]


def test_the_trail_names_who_asked_for_what_and_no_token(house: House, visitor: Visit) -> None:
    token = ask(house, visitor).rpartition("/")[2]
    with db.scope(write=False) as session:
        rows = session.scalars(select(PlatformAuditEntry)).all()
    assert "password.reset_asked" in [row.action for row in rows]
    assert token not in repr([row.detail for row in rows])
