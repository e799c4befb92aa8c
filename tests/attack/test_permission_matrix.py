"""Every route, by every method, for everybody who could come, in their own practice and in another.

What is expected is declared beside the route (its access) and beside the permission (its roles), not here. The views
themselves are taken out: what is measured is whether somebody gets as far as the view.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.routing import Rule

from core import audit, db, links, tenancy
from core.authoring.surfaces import recorded_views, requests, rules, url_of
from core.demo import PASSWORD
from core.security import create_user, emergency, permissions
from core.security import roles as practice_roles
from core.tenancy import CLINICIAN, PRACTICE_ADMIN, RECEPTIONIST
from core.testing.house import open_link
from core.web import gate
from core.web.routes import Access, Kind, table
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos

Answer = Literal["in", "denied", "asked", "sign in", "not there", "closed"]
PURPOSE = "photo_request.photos"
SLUGS = ("riverside", "lumiere")


@dataclass
class Comer:
    """Somebody who comes, with what they hold. practice: where they work; link_id: whose link they have opened."""

    name: str
    visitor: Visitor
    token: str
    rights: frozenset[str] = frozenset()
    practice: str = ""
    is_operator: bool = False
    is_signed_in: bool = True
    link_id: UUID | None = None

    def ask(self, method: str, url: str) -> Any:
        # As a program: what is refused is said in a line instead of a page, which takes a tenth of the time.
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        return self.visitor.client.open(
            url, method=method, headers=headers, data=None if method == "GET" else {"x": "y"}
        )


def rights_of(*roles: str) -> frozenset[str]:
    """What is declared for these roles."""
    return frozenset(item.name for item in permissions.declared() if {*item.roles} & {*roles})


@pytest.fixture
def ids(house: House) -> dict[str, UUID]:
    """A patient, a request and a photo of Riverside."""
    return a_request_with_photos(house, house.riverside)


@pytest.fixture
def comers(app: Flask, house: House, visitor: Callable[[], Visitor], ids: dict[str, UUID]) -> list[Comer]:
    """One of each: nobody, a patient, the starting roles, roles of the practice's own, elsewhere, operator."""
    custom = {
        "reader": ["core.view_patients"],
        "nobody": [],
        "auditor": ["core.view_audit", "photo_request.view"],
    }
    with house.at(house.riverside):
        keys = {name: practice_roles.make(name.title(), "", rights) for name, rights in custom.items()}
    with db.scope() as session:
        for name, role in {**keys, "boss-of-practice": PRACTICE_ADMIN}.items():
            user = create_user(name, f"{name}@x.example", name, "X", PASSWORD)
            session.add(tenancy.Membership(practice_id=house.riverside, user_id=user.id, role=role))
        create_user("operator", "operator@x.example", "Op", "X", PASSWORD, is_operator=True)
        admins = session.scalars(select(User.username)).all()
    assert {"amira", "grace", "helen", "nadia"} <= set(admins)
    with house.at(house.riverside), audit.use_actor(audit.Actor("staff", "1", "Helen Price")):
        issued = links.issue(PURPOSE, ids["patient_id"], ids["request_id"])
        link_id = issued.link.id
    phone = open_link(app, house, issued.url)
    both = rights_of(PRACTICE_ADMIN, CLINICIAN)
    made = [
        Comer("stranger", visitor(), "", is_signed_in=False),
        Comer("patient", phone.visitor, "", is_signed_in=False, link_id=link_id),
        Comer("amira", visitor(), "", rights_of(CLINICIAN), "riverside"),
        Comer("grace", visitor(), "", rights_of(RECEPTIONIST), "riverside"),
        Comer("helen", visitor(), "", both, "riverside"),
        Comer("boss-of-practice", visitor(), "", rights_of(PRACTICE_ADMIN), "riverside"),
        *(
            Comer(name, visitor(), "", frozenset({"core.work", *rights}), "riverside")
            for name, rights in custom.items()
        ),
        Comer("nadia", visitor(), "", both, "lumiere"),
        Comer("operator", visitor(), "", is_operator=True),
    ]
    for one in made:
        if one.is_signed_in:
            assert one.visitor.sign_in(one.name).status_code == 303, one.name
        one.token = one.visitor._token()
    return made


def expected(comer: Comer, access: Access, rule: Rule, method: str, slug: str) -> Answer:
    """What the declarations say."""
    match access.kind:
        case "public" | "static" | "asset":
            return "in"
        case "patient":
            return "in" if comer.link_id and access.purpose in ("*", PURPOSE) else "closed"
    if not comer.is_signed_in:
        return "sign in"
    match access.kind:
        case "signed_in":
            return "in"
        case "operator":
            return "in" if comer.is_operator else "not there"
    if comer.practice != slug:
        return "not there"
    if access.permission in comer.rights:
        return "in"
    by_emergency = access.permission == emergency.VIEW and "patient_id" in rule.arguments
    return "asked" if by_emergency and emergency.OPEN in comer.rights else "denied"


def answered(
    comer: Comer, method: str, url: str, endpoint: str, reached: set[str]
) -> tuple[Answer | str, Any]:
    """What happened."""
    reached.clear()
    answer = comer.ask(method, url)
    place = answer.headers.get("Location", "")
    if reached:
        return ("in" if reached == {endpoint} else f"in {reached}"), answer
    if answer.status_code == 401 or (answer.status_code == 302 and place.startswith("/login?next=")):
        return "sign in", answer
    if url.startswith("/v/"):
        return "closed", answer
    if answer.status_code == 404:
        return "not there", answer
    if "/emergency/" in place or (
        answer.status_code == 403 and answer.get_json()["error"]["code"] == "restricted"
    ):
        return "asked", answer
    return ("denied" if answer.status_code == 403 else str(answer.status_code)), answer


def walk(
    app: Flask, comers: list[Comer], ids: dict[str, UUID], kind: Kind | None = None
) -> tuple[list[str], int]:
    """All differences between what is declared and what happens, and how many requests were made."""
    link_id = next(one.link_id for one in comers if one.link_id)
    wrong, asked = [], 0
    with recorded_views(app) as reached:
        for rule, method in requests(app, kind):
            access = table(app)[rule.endpoint]
            for comer in comers:
                for slug in SLUGS if "practice_slug" in rule.arguments else SLUGS[:1]:
                    url = url_of(rule, slug, ids, link_id)
                    says = expected(comer, access, rule, method, slug)
                    got, answer = answered(comer, method, url, rule.endpoint, reached)
                    asked += 1
                    what = f"{comer.name}: {method} {rule.rule} in {slug}: declared {says!r}, was {got!r}"
                    if got != says:
                        wrong.append(what)
                    elif says == "denied" and not _explains(answer, access):
                        wrong.append(f"{what}, but it is not explained")
    return wrong, asked


def _explains(answer: Any, access: Access) -> bool:
    """Does a denial name the right, and who can give it?"""
    declared: list[Any] = list(permissions.declared())
    right = next(str(item.title) for item in declared if item.name == access.permission)
    said = answer.get_json()["error"]["message"]
    return right in said and "Helen Price" in said


def test_everybody_gets_as_far_as_is_declared_and_no_further(
    app: Flask, house: House, comers: list[Comer], ids: dict[str, UUID]
) -> None:
    wrong, asked = walk(app, comers, ids)
    assert wrong == []
    kinds: set[Kind] = {access.kind for _rule, access in rules(app)}
    assert kinds == {"staff", "patient", "signed_in", "operator", "public", "asset", "static"}
    assert {"GET", "POST"} <= {method for _rule, method in requests(app, "staff")}
    assert asked > 10 * len(requests(app))


@pytest.mark.parametrize("broken", ["permissions", "memberships", "operator"])
def test_the_matrix_notices_when_the_gate_forgets_something(
    app: Flask,
    house: House,
    comers: list[Comer],
    ids: dict[str, UUID],
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    """Or the walk would prove nothing."""
    everything = frozenset(item.name for item in permissions.declared())
    if broken == "memberships":
        practices = {slug: house.riverside if slug == "riverside" else house.lumiere for slug in SLUGS}

        def of_everybody(user_id: int) -> dict[tenancy.Practice, list[str]]:
            found = db.session().scalars(
                select(tenancy.Practice).where(tenancy.Practice.id.in_(practices.values()))
            )
            return {practice: [PRACTICE_ADMIN] for practice in found}

        monkeypatch.setattr("core.web.gate.tenancy.memberships_of", of_everybody)
    elif broken == "permissions":
        monkeypatch.setattr(gate, "current_permissions", lambda: everything)
    else:
        monkeypatch.setitem(gate._ADMIT, "operator", gate._admit_signed_in)
    chosen = [
        one
        for one in comers
        if one.name in ("stranger", "patient", "nadia" if broken == "memberships" else "grace")
    ]
    wrong, _asked = walk(app, chosen, ids, "operator" if broken == "operator" else "staff")
    assert any(re.search("grace|nadia", one) for one in wrong)
    assert not any(one.startswith("stranger") for one in wrong), "signing in is asked for all the same"


def test_what_changes_something_asks_for_a_right_of_its_own(app: Flask) -> None:
    """Signing in to the practice alone lets nobody change what belongs to others."""
    mine_alone = {
        rule.endpoint
        for rule, method in requests(app, "staff")
        if method != "GET" and table(app)[rule.endpoint].permission == "core.work"
    }
    assert mine_alone <= {"bell.read_all", "live.renew", "messages.dismiss_own"}, (
        "these are one's own: what was read, what one listens to, messages that one has sent"
    )
    administration = {
        table(app)[rule.endpoint].permission
        for rule, _access in rules(app, "staff")
        if "/admin/" in rule.rule
    }
    assert administration <= rights_of(PRACTICE_ADMIN) - rights_of(CLINICIAN, RECEPTIONIST), (
        "pages of the administration are the administrators'"
    )
