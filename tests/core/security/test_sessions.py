"""Where somebody is signed in, new devices, the idle lock, and what a denial says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from core import db, tenancy
from core.audit import PlatformAuditEntry
from core.demo import PASSWORD
from core.notifications import Notification
from core.realtime.tickets import TicketEnded, check_not_ended, issue, read
from core.security import add_membership, rules
from core.security.devices import in_words
from core.security.models import SignInSession
from tests.support.house import House, Visitor
from tests.support.pages import text

Visit = Callable[[], Visitor]
NEW = "otter-kettle-93-lantern"


def subjects(house: House, username: str = "amira") -> list[str]:
    with house.at(house.riverside, write=False) as session:
        query = select(Notification.subject).where(
            Notification.recipient == f"{username}@riverside.example.com"
        )
        return [subject or "" for subject in session.scalars(query.order_by(Notification.created_at))]


def signed_in(visitor: Visit, username: str = "amira") -> Visitor:
    browser = visitor()
    assert browser.sign_in(username).status_code == 303
    return browser


# --- the list ------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_each_browser_is_listed_and_can_be_signed_out_from_another(house: House, visitor: Visit) -> None:
    here, there, third = (signed_in(visitor) for _ in range(3))
    page = here.get("/account").get_data(as_text=True)
    assert page.count("This device") == 1
    assert page.count("/sessions/") == 3, "two others, and all of them"
    other = page.partition('action="/account/sessions/')[2].partition("/end")[0]
    assert here.post(f"/account/sessions/{other}/end").status_code == 303
    assert sorted(browser.get("/account").status_code for browser in (there, third)) == [200, 302]
    assert here.post("/account/sessions/end").status_code == 303
    assert [browser.get("/account").status_code for browser in (there, third)] == [302, 302]
    assert here.get("/account").status_code == 200


def _change_password(browser: Visitor) -> None:
    browser.post("/account/password", {"password": PASSWORD, "new_password": NEW})


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "sign_out",
    [lambda here: here.post("/account/sessions/end"), _change_password, None],
    ids=["other devices", "password", "removal"],
)
def test_who_is_signed_out_hears_nothing_more_in_any_practice(
    house: House, visitor: Visit, sign_out: Callable[[Visitor], object] | None
) -> None:
    """Their sockets end, and no ticket that they hold is good."""
    there = signed_in(visitor)
    with db.scope() as session:
        user = session.scalars(select(User).where(User.username == "amira")).one()
        add_membership(session.get_one(tenancy.Practice, house.lumiere), user, "clinician")
        name = session.scalars(select(SignInSession.id).where(SignInSession.user_id == user.id)).one().hex
        amira = user.id
    assert there.get("/p/lumiere/").status_code == 200
    held = {}
    for practice in (house.riverside, house.lumiere):
        with house.at(practice, write=False):
            held[practice] = issue([], actor_kind="staff", actor_id=str(amira), session_id=name)
            check_not_ended(read(held[practice]))
    if sign_out is None:
        signed_in(visitor, "helen").post(f"/p/riverside/admin/staff/{amira}/remove")
    else:
        sign_out(signed_in(visitor))
    assert there.get("/account").status_code == 302
    for practice, ticket in held.items():
        with house.at(practice, write=False), pytest.raises(TicketEnded):
            check_not_ended(read(ticket))


def test_nobody_ends_another_persons_session(house: House, visitor: Visit) -> None:
    amira, tom = signed_in(visitor), signed_in(visitor, "tom")
    with db.scope(write=False) as session:
        (toms,) = session.scalars(
            select(SignInSession.id)
            .join(User, User.id == SignInSession.user_id)
            .where(User.username == "tom")
        )
    assert amira.post(f"/account/sessions/{toms}/end").status_code == 404
    assert tom.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("browser", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
            "Safari/537.36 Edg/126.0.0.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("", "A device that we cannot name"),
        ("<script>alert(1)</script>", "A device that we cannot name"),
    ],
)
def test_a_browser_in_words(browser: str, words: str) -> None:
    assert str(in_words(browser)) == words


# --- what is mailed ------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_sign_in_on_a_new_device_is_told_and_on_a_known_one_not(house: House, visitor: Visit) -> None:
    first = signed_in(visitor)
    assert subjects(house) == [], "the very first device is no news"
    first.post("/logout")
    first.sign_in("amira")
    assert subjects(house) == []
    second = signed_in(visitor)
    assert subjects(house) == ["Your account was used on a new device"]
    second.post("/logout")
    second.sign_in("amira")
    assert len(subjects(house)) == 1


def test_a_changed_password_is_told_and_signs_the_others_out(house: House, visitor: Visit) -> None:
    here, there = signed_in(visitor), signed_in(visitor)
    wrong = here.post("/account/password", {"password": "wrong", "new_password": NEW})
    assert (wrong.status_code, "not your present password" in wrong.get_data(as_text=True)) == (422, True)
    weak = here.post("/account/password", {"password": PASSWORD, "new_password": "riverside surgery"})
    assert weak.status_code == 422
    assert here.post("/account/password", {"password": PASSWORD, "new_password": NEW}).status_code == 303
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 302)
    assert subjects(house)[-1] == "Your password was changed"
    assert visitor().sign_in("amira", NEW).status_code == 303


def test_letters_are_in_the_language_of_the_person(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    browser.post("/preferences", {"language": "fr", "next": "/account"})
    browser.post("/account/password", {"password": PASSWORD, "new_password": NEW})
    assert subjects(house)[-1] == "Votre mot de passe a été modifié"


def test_a_name_can_be_changed(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    for wrong in ({"given_names": "", "family_name": "Khan"}, {"given_names": "A", "family_name": "x" * 65}):
        assert browser.post("/account/name", wrong).status_code == 422
    browser.post("/account/name", {"given_names": "Amira <b>", "family_name": "Khan-Reid"})
    page = browser.get("/account").get_data(as_text=True)
    assert "Khan-Reid" in page
    assert "<b>" not in page


# --- the idle lock -------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_the_trail_shows_ends_and_locks_beside_beginnings(visitor: Visit) -> None:
    browser = signed_in(visitor)
    idle(60 * 24)
    browser.get("/p/riverside/patients")
    browser.post("/session/unlock", {"password": PASSWORD})
    browser.post("/logout")
    with db.scope(write=False) as session:
        rows = session.scalars(select(PlatformAuditEntry).order_by(PlatformAuditEntry.seq)).all()
    kept = [
        row.action
        for row in rows
        if row.actor_name == "Amira Khan" and row.action.startswith(("session.", "sign_in."))
    ]
    assert kept == ["sign_in.succeeded", "session.locked", "session.unlocked", "session.signed_out"]


def idle(minutes: float) -> None:
    with db.scope() as session:
        session.execute(update(SignInSession).values(last_seen_at=db.utcnow() - timedelta(minutes=minutes)))


@pytest.mark.both_databases
def test_a_locked_session_answers_nothing_until_it_is_unlocked(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    assert browser.post("/session/lock").status_code == 204
    assert browser.get("/p/riverside/patients").location == "/session/locked?next=/p/riverside/patients"
    for path in ("/p/riverside/bell", "/p/riverside/patients"):
        assert browser.get(path, headers={"X-Panel": "1"}).status_code == 423
    assert browser.get("/account").location == "/session/locked?next=/account"
    sent = browser.client.post(
        "/p/riverside/patients", data={"q": "Whitfield", "csrf_token": browser._token()}
    )
    assert sent.status_code == 423
    assert 'value="Whitfield"' in sent.get_data(as_text=True), "what was typed is kept"
    assert "Margaret" not in sent.get_data(as_text=True)
    assert browser.get("/session/state").get_json() == {"locked": True}

    wrong = browser.post("/session/unlock", {"password": "wrong"})
    assert wrong.status_code == 422
    assert browser.get("/session/state").get_json() == {"locked": True}
    done = browser.post("/session/unlock", {"password": PASSWORD, "next": "/p/riverside/patients"})
    assert (done.status_code, done.location) == (303, "/p/riverside/patients")
    assert browser.get("/p/riverside/patients").status_code == 200


def test_unlocking_takes_the_password_of_the_same_person(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    browser.post("/account/password", {"password": PASSWORD, "new_password": NEW})
    browser.post("/session/lock")
    assert browser.post("/session/unlock", {"password": PASSWORD}).status_code == 422
    assert browser.post("/session/unlock", {"password": NEW}).status_code == 303


def test_the_server_locks_by_itself_after_the_practices_time(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    idle(14)
    assert browser.get("/p/riverside/patients").status_code == 200
    idle(16)
    assert browser.get("/p/riverside/patients").status_code == 302
    assert browser.get("/session/state").get_json() == {"locked": True}
    other = signed_in(visitor, "tom")
    with house.at(house.riverside):
        rules.save({"idle_minutes": 0})
    idle(600)
    assert other.get("/p/riverside/patients").status_code == 200


@pytest.mark.both_databases
def test_who_was_away_for_too_long_cannot_say_that_they_are_there(house: House, visitor: Visit) -> None:
    """Neither a sign of life nor a page outside the practice wakes a session that is due to be locked."""
    browser = signed_in(visitor)
    idle(16)
    answer = browser.client.post("/session/active", headers={"X-CSRFToken": browser._token()})
    assert answer.status_code == 423
    assert browser.get("/session/state").get_json() == {"locked": True}
    assert browser.get("/p/riverside/patients").location == "/session/locked?next=/p/riverside/patients"
    assert browser.post("/session/unlock", {"password": PASSWORD, "next": "/account"}).status_code == 303
    idle(16)
    assert browser.get("/account").location == "/session/locked?next=/account"
    assert browser.post("/session/unlock", {"password": PASSWORD}).status_code == 303
    idle(16)
    assert browser.get("/").location == "/session/locked?next=/"
    assert browser.post("/logout").location == "/login", "signing out is always possible"


def test_outside_practices_the_strictest_of_the_persons_practices_counts(
    house: House, visitor: Visit
) -> None:
    with db.scope() as session:
        add_membership(
            tenancy.find_by_slug("lumiere"),
            session.scalars(select(User).where(User.username == "amira")).one(),
            "clinician",
        )
    with house.at(house.riverside):
        rules.save({"idle_minutes": 0})
    with house.at(house.lumiere):
        rules.save({"idle_minutes": 5})
    browser = signed_in(visitor)
    idle(4)
    assert browser.post("/session/active").status_code == 204
    idle(6)
    assert browser.get("/account").status_code == 302
    browser.post("/session/unlock", {"password": PASSWORD})
    with house.at(house.lumiere):
        rules.save({"idle_minutes": 0})
    idle(600)
    assert browser.get("/account").status_code == 200, "nobody asks for it"


@pytest.mark.both_databases
def test_a_practice_that_locks_never_does_not_wake_one_that_locks_soon(house: House, visitor: Visit) -> None:
    with db.scope() as session:
        amira = session.scalars(select(User).where(User.username == "amira")).one()
        add_membership(tenancy.find_by_slug("lumiere"), amira, "clinician")
    with house.at(house.lumiere):
        rules.save({"idle_minutes": 0})
    browser = signed_in(visitor)
    assert 'data-idle="15"' in browser.get("/p/lumiere/").get_data(as_text=True)
    idle(16)
    assert browser.get("/p/lumiere/").location == "/session/locked?next=/p/lumiere/"
    assert browser.get("/p/riverside/patients").status_code == 302


def test_the_operators_console_locks_itself_as_the_platform_says(house: House, olga: Visitor) -> None:
    assert 'data-idle="15"' in olga.get("/operator").get_data(as_text=True)
    idle(14)
    assert olga.get("/operator").status_code == 200
    idle(16)
    assert olga.get("/operator").location == "/session/locked?next=/operator"
    olga.post("/session/unlock", {"password": PASSWORD})
    house.settings.console_idle_minutes = 0
    idle(600)
    assert olga.get("/operator").status_code == 200


def test_the_console_can_ask_for_a_second_factor(house: House, olga: Visitor) -> None:
    house.settings.console_second_factor = "required"
    asked = olga.get("/operator")
    assert asked.location == "/account/second-factor?next=/operator"
    assert "The operator’s console asks for a second factor" in text(olga.get(asked.location))
    assert olga.post("/operator/practices", {}).status_code == 409
    with db.scope() as session:
        session.execute(update(SignInSession).values(method="totp"))
    assert olga.get("/operator").status_code == 200


def test_working_on_the_account_counts_as_being_there(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    for _each in range(3):
        idle(10)
        assert browser.get("/account").status_code == 200
    idle(10)
    browser.get("/account", headers={"X-Panel": "1"})
    idle_now = sessions_seen()
    assert idle_now > timedelta(minutes=9)


def sessions_seen() -> timedelta:
    """How long ago somebody was last seen."""
    with db.scope(write=False) as session:
        seen = session.scalars(select(SignInSession.last_seen_at)).one()
    assert seen is not None
    return db.utcnow() - seen


def test_what_a_page_asks_by_itself_keeps_nobody_awake(house: House, visitor: Visit) -> None:
    browser = signed_in(visitor)
    idle(10)
    browser.get("/p/riverside/bell", headers={"X-Panel": "1"})
    with db.scope(write=False) as session:
        (seen,) = session.scalars(select(SignInSession.last_seen_at))
    assert seen is not None
    assert seen < db.utcnow() - timedelta(minutes=9)
    browser.post("/session/active")
    with db.scope(write=False) as session:
        (seen,) = session.scalars(select(SignInSession.last_seen_at))
    assert seen is not None
    assert seen > db.utcnow() - timedelta(minutes=1)


@pytest.mark.parametrize(
    "stored",
    [{"idle_minutes": "soon"}, {"idle_minutes": -5, "second_factor": "perhaps"}, {"idle_minutes": None}],
)
def test_rules_that_no_longer_fit_fall_back(house: House, stored: dict[str, object]) -> None:
    from core import tenancy

    with house.at(house.riverside):
        practice = tenancy.current()
        practice.profile = {**practice.profile, "sign_in": stored}
        assert rules.of(practice) == rules.SignInRules()


# --- denial --------------------------------------------------------------------------------------------------------


def test_a_denial_names_the_right_and_who_can_give_it(house: House, visitor: Visit) -> None:
    grace = signed_in(visitor, "grace")
    answer = grace.get("/p/riverside/admin/plugins")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "Switch plugins on and off" in page
    assert "Helen Price" in page
    assert "Nadia" not in page
