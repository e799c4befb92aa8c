"""What somebody may do depends on the practice they are in, and on nothing that another one says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask, g
from flask_appbuilder.security.sqla.models import PermissionView, Role, User
from flask_login import login_user
from sqlalchemy import event, func, select

from core import audit, db, tenancy
from core.audit import Actor
from core.security import add_membership, can, create_user, permissions
from core.tenancy import OPERATOR, ROLES
from tests.support.house import House, Visitor


@dataclass(frozen=True)
class Right:
    """A permission as a manifest declares it."""

    name: str
    roles: tuple[str, ...]


@pytest.fixture
def two_hats(house: House) -> int:
    """Somebody who is a clinician of Riverside and a receptionist of Lumière; their id."""
    with db.scope():
        user = create_user("twohats", "two@hats.example", "Two", "Hats", "careroom-demo")
        add_membership(tenancy.find_by_slug("riverside"), user, "clinician")
        add_membership(tenancy.find_by_slug("lumiere"), user, "receptionist")
        permissions.sync_permissions(
            [
                *permissions.declared(),
                Right("tests.treat", ("clinician",)),
                Right("tests.greet", ("receptionist",)),
                Right("tests.run_the_house", ("operator",)),
            ]
        )
        return int(user.id)


def _of_tests(user_id: int) -> set[str]:
    return {name for name in permissions.permissions_of(user_id) if name.startswith("tests.")}


def test_one_user_has_other_rights_in_another_practice(house: House, two_hats: int) -> None:
    with house.at(house.riverside, write=False):
        assert _of_tests(two_hats) == {"tests.treat"}
    with house.at(house.lumiere, write=False):
        assert _of_tests(two_hats) == {"tests.greet"}
    with db.scope(write=False):
        assert _of_tests(two_hats) == set()


def test_flask_appbuilder_sees_the_same_roles(app: Flask, house: House, two_hats: int) -> None:
    manager = app.appbuilder.sm  # type: ignore[attr-defined]
    for practice_id, role, allowed in (
        (house.riverside, "clinician", True),
        (house.lumiere, "receptionist", False),
    ):
        with app.test_request_context(), house.at(practice_id, write=False) as session:
            user = session.get_one(User, two_hats)
            g._login_user = g.user = user
            assert [found.name for found in manager.get_user_roles(user)] == [role]
            assert manager.has_access("can_treat", "tests") is allowed
            assert can("tests.treat") is allowed


def test_an_operator_keeps_the_platforms_rights_everywhere_and_gets_no_patients(
    house: House, two_hats: int
) -> None:
    with db.scope():
        boss = create_user("boss", "boss@x.example", "The", "Boss", "careroom-demo", is_operator=True).id
    for practice_id in (house.riverside, house.lumiere):
        with house.at(practice_id, write=False):
            assert _of_tests(boss) == {"tests.run_the_house"}
            assert "core.view_patients" not in permissions.permissions_of(boss)


def test_a_role_held_globally_opens_no_practice(house: House, two_hats: int) -> None:
    """Flask-AppBuilder's role names are global: a user row that has "clinician" is no clinician anywhere."""
    with db.scope() as session:
        stray = create_user("stray", "stray@x.example", "Stray", "User", "careroom-demo")
        stray.roles = list(session.scalars(select(Role).where(Role.name != OPERATOR)))
    with house.at(house.riverside, write=False):
        assert permissions.permissions_of(stray.id) == frozenset()


def test_a_membership_that_says_operator_gives_nothing(house: House, two_hats: int) -> None:
    with db.scope() as session:
        session.add(tenancy.Membership(practice_id=house.riverside, user_id=two_hats, role=OPERATOR))
    with house.at(house.riverside, write=False):
        assert "tests.run_the_house" not in permissions.permissions_of(two_hats)


def test_on_a_patients_page_staff_who_are_signed_in_may_nothing(
    app: Flask, house: House, two_hats: int
) -> None:
    with app.test_request_context(), house.at(house.riverside, write=False) as session:
        g._login_user = session.get_one(User, two_hats)
        assert can("tests.treat")
        with audit.use_actor(Actor("patient", "x", "patient")):
            assert not can("tests.treat")


def test_nobody_signed_in_may_nothing(app: Flask, house: House) -> None:
    with app.test_request_context(), house.at(house.riverside, write=False):
        assert permissions.current_permissions() == frozenset()
    assert permissions.current_permissions() == frozenset()  # nor outside any request


def test_a_request_asks_the_database_once(app: Flask, house: House, two_hats: int) -> None:
    asked: list[str] = []
    with app.test_request_context(), house.at(house.riverside, write=False) as session:
        g._login_user = session.get_one(User, two_hats)
        event.listen(db.engine(), "before_cursor_execute", lambda *call: asked.append(call[2]))
        assert [can(name) for name in ("tests.treat", "tests.greet", "core.view_patients")] == [
            True,
            False,
            True,
        ]
    assert len(asked) == 1


def test_a_stranger_to_the_practice_and_an_unknown_practice_look_the_same(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    browser.sign_in("amira")
    foreign, unknown = browser.get("/p/lumiere/"), browser.get("/p/no-such/")
    assert foreign.status_code == unknown.status_code == 404


# --- writing them --------------------------------------------------------------------------------------------------


def _held(role: str) -> set[str]:
    with db.scope(write=False) as session:
        found = session.scalars(select(Role).where(Role.name == role)).one()
        return {permissions.join(row.permission.name, row.view_menu.name) for row in found.permissions}


def test_every_permission_reaches_exactly_its_roles(configured: object) -> None:
    for role in ROLES:
        wanted = {item.name for item in permissions.declared() if role in item.roles}
        assert _held(role) == wanted, role


def test_a_starting_role_loses_what_is_no_longer_declared(configured: object) -> None:
    with db.scope():
        permissions.sync_permissions([Right("tests.a", ("clinician",)), Right("tests.b", ("clinician",))])
    with db.scope():
        permissions.sync_permissions([Right("tests.b", ("receptionist",))])
    assert (_held("clinician"), _held("receptionist")) == (set(), {"tests.b"})


def test_names_say_the_same_in_both_worlds() -> None:
    for name in ("photo_request.view", "core.manage_plugins"):
        assert permissions.join(*permissions.split(name)) == name
    assert permissions.split("photo_request.view") == ("can_view", "photo_request")


@pytest.mark.both_databases
def test_two_migrations_at_once_write_each_row_once(configured: object) -> None:
    wanted = [Right(f"tests.right_{number}", ("clinician",)) for number in range(20)]
    start = threading.Barrier(4)
    faults: list[Exception] = []

    def sync() -> None:
        start.wait()
        try:
            with db.scope():
                permissions.sync_permissions(wanted)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=sync) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert _held("clinician") == {item.name for item in wanted}
    with db.scope(write=False) as session:
        rows = (
            select(func.count()).select_from(PermissionView).where(PermissionView.view_menu.has(name="tests"))
        )
        assert session.scalar(rows) == 20


def test_signing_in_by_flask_login_alone_is_not_enough(app: Flask, house: House, two_hats: int) -> None:
    """Only a session row makes somebody signed in: no other code path can forge one with a cookie key."""
    client = app.test_client()
    with app.test_request_context():
        assert callable(login_user)
    with client.session_transaction() as session:
        session["_user_id"] = str(two_hats)
        session["_fresh"] = True
    assert client.get("/p/riverside/").status_code == 302
