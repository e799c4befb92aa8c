"""Staff: who is listed, invited, given roles, removed; and the practice's own roles."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core.audit import AuditEntry
from core.security import members, permissions, roles
from core.security.members import Member
from core.security.roles import RoleRefused
from core.tenancy import CLINICIAN, PRACTICE_ADMIN, RECEPTIONIST
from tests.support.house import House, Visitor
from tests.support.pages import text

URL = "/p/riverside/admin/staff"
ROLES = "/p/riverside/admin/roles"
NURSE = {"title": "Nurse", "note": "Sees photos", "permissions": ["core.view_patients", "photo_request.view"]}


def member(house: House, username: str) -> Member:
    with house.at(house.riverside, write=False) as session:
        return members.get(session.scalars(select(User.id).where(User.username == username)).one())


def user_id(house: House, username: str) -> int:
    with house.at(house.riverside, write=False) as session:
        return int(session.scalars(select(User.id).where(User.username == username)).one())


def test_only_who_manages_staff_may(visitor: Callable[[], Visitor], house: House) -> None:
    amira = visitor()
    amira.sign_in("amira")
    grace = user_id(house, "grace")
    for path in (URL, f"{URL}/invite", f"{URL}/{grace}", ROLES, f"{ROLES}/new"):
        assert amira.get(path).status_code == 403
    assert amira.post(f"{URL}/{grace}", {"roles": [CLINICIAN]}).status_code == 403


def test_everybody_is_listed_with_roles_and_nobody_of_another_practice(helen: Visitor, house: House) -> None:
    page = helen.get(URL).get_data(as_text=True)
    assert "Amira Khan" in page
    assert "Practice administrator, Clinician" in page
    assert "Claire" not in page
    assert "4 people sign in with a password alone." in page
    assert helen.get(f"{URL}/{user_id(house, 'claire')}").status_code == 404
    assert helen.post(f"{URL}/{user_id(house, 'claire')}/remove").status_code == 404


@pytest.mark.both_databases
def test_other_roles_hold_at_once_and_sign_the_person_out(
    helen: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    grace = visitor()
    grace.sign_in("grace")
    assert grace.get("/p/riverside/").status_code == 200
    assert helen.post(f"{URL}/{user_id(house, 'grace')}", {"roles": [CLINICIAN]}).status_code == 303
    assert member(house, "grace").roles == (CLINICIAN,)
    assert grace.get("/p/riverside/").status_code == 302
    assert "Roles of somebody changed" in helen.get("/p/riverside/admin/audit").get_data(as_text=True)


def test_a_role_that_does_not_exist_gives_nothing(helen: Visitor, house: House) -> None:
    for wanted in ([], ["operator"], ["0" * 32]):
        answer = helen.post(f"{URL}/{user_id(house, 'grace')}", {"roles": wanted})
        assert answer.status_code == 422
        assert "Choose at least one role" in answer.get_data(as_text=True)
    assert member(house, "grace").roles == (RECEPTIONIST,)


def test_somebody_who_is_removed_is_out(helen: Visitor, house: House, visitor: Callable[[], Visitor]) -> None:
    tom = visitor()
    tom.sign_in("tom")
    assert helen.post(f"{URL}/{user_id(house, 'tom')}/remove").status_code == 303
    with pytest.raises(LookupError):
        member(house, "tom")
    assert tom.get("/p/riverside/").status_code == 302
    tom.sign_in("tom")
    assert tom.get("/p/riverside/").status_code == 404


@pytest.mark.both_databases
def test_the_last_who_manages_staff_stays(helen: Visitor, house: House) -> None:
    me = user_id(house, "helen")
    for path, data in ((f"{URL}/{me}", {"roles": [CLINICIAN]}), (f"{URL}/{me}/remove", {})):
        answer = helen.post(path, data)
        assert answer.status_code == 422
        assert "Nobody else in your practice could manage staff then." in answer.get_data(as_text=True)
    assert PRACTICE_ADMIN in member(house, "helen").roles
    helen.post(f"{URL}/{user_id(house, 'amira')}", {"roles": [PRACTICE_ADMIN]})
    assert helen.post(f"{URL}/{me}", {"roles": [CLINICIAN]}).status_code == 303


def test_an_invitation_is_sent_listed_sent_again_and_withdrawn(helen: Visitor, house: House) -> None:
    form = {"email": "Nina@Example.com", "given_names": "Nina", "family_name": "Ray", "role": CLINICIAN}
    assert helen.post(f"{URL}/invite", form).status_code == 303
    page = helen.get(URL).get_data(as_text=True)
    assert "nina@example.com" in page
    resend, withdraw = (re.findall(rf'action="([^"]*/{what})"', page)[0] for what in ("resend", "withdraw"))
    assert helen.post(resend).status_code == 303
    assert helen.post(withdraw).status_code == 303
    helen.get(URL)  # shows the words on what was done
    assert "nina@example.com" not in helen.get(URL).get_data(as_text=True)
    assert "accepted or withdrawn meanwhile" in helen.post(withdraw, follow_redirects=True).get_data(
        as_text=True
    )


def test_a_wrong_invitation_keeps_what_was_typed(helen: Visitor) -> None:
    form = {"email": "nina@", "given_names": "Nina", "family_name": "Ray", "role": CLINICIAN}
    answer = helen.post(f"{URL}/invite", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "This is not an e-mail address." in page
    assert 'value="nina@"' in page
    assert f'<option value="{CLINICIAN}" selected>' in page


def test_the_matrix_says_in_words_who_may_do_what(helen: Visitor) -> None:
    page = helen.get(ROLES).get_data(as_text=True)
    assert "Keep or reject photos" in page
    assert "Look after the platform" not in page, "no practice can give it"
    row = page.partition("Keep or reject photos")[2].partition("</tr>")[0]
    assert re.findall(r">(Yes|No)<", row) == ["No", "Yes", "No"]


def make_nurse(helen: Visitor) -> str:
    assert helen.post(f"{ROLES}/new", NURSE).status_code == 303
    return str(re.findall(r"/admin/roles/([0-9a-f]{32})\"", helen.get(ROLES).get_data(as_text=True))[0])


@pytest.mark.both_databases
def test_a_role_of_our_own_allows_what_is_ticked_and_nothing_else(
    helen: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    key = make_nurse(helen)
    grace_id = user_id(house, "grace")
    assert helen.post(f"{URL}/{grace_id}", {"roles": [key]}).status_code == 303
    with house.at(house.riverside, write=False):
        allowed = permissions.permissions_of(grace_id)
    assert allowed == {"core.work", "core.view_patients", "photo_request.view"}
    grace = visitor()
    grace.sign_in("grace")
    assert "Nurse" in grace.get("/p/riverside/").get_data(as_text=True)
    assert grace.get("/p/riverside/patients").status_code == 200
    assert grace.get("/p/riverside/patients/new").status_code == 403
    helen.post(f"{ROLES}/{key}", {**NURSE, "permissions": ["core.view_patients", "core.edit_patients"]})
    assert grace.get("/p/riverside/patients/new").status_code == 200


def test_a_copy_begins_with_what_the_other_allows(helen: Visitor) -> None:
    page = helen.get(f"{ROLES}/new?copy={RECEPTIONIST}").get_data(as_text=True)
    assert 'value="Receptionist (copy)"' in page
    assert 'value="core.edit_patients" checked' in page
    assert 'value="photo_request.view" checked' not in page


def test_no_role_opens_the_platform(helen: Visitor, house: House) -> None:
    helen.post(f"{ROLES}/new", {"title": "Root", "permissions": ["core.operate", "nothing.here"]})
    with house.at(house.riverside, write=False):
        (root,) = [role for role in roles.all_roles() if role.title == "Root"]
    assert root.permissions == {"core.work"}


def test_another_practice_has_not_this_role(
    helen: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    key = make_nurse(helen)
    nadia = visitor()
    nadia.sign_in("nadia")
    assert nadia.get(f"/p/lumiere/admin/roles/{key}").status_code == 404
    assert nadia.post(f"/p/lumiere/admin/roles/{key}", NURSE).status_code == 404
    assert nadia.post(f"/p/lumiere/admin/roles/{key}/delete").status_code == 404
    assert "Nurse" not in nadia.get("/p/lumiere/admin/roles").get_data(as_text=True)
    claire = user_id(house, "claire")
    assert nadia.post(f"/p/lumiere/admin/staff/{claire}", {"roles": [key]}).status_code == 422


@pytest.mark.parametrize(
    ("title", "says"),
    [(" ", "Fill this in."), ("Clinician", "There is a role of this name already."), ("x" * 61, "too long")],
)
def test_names_that_cannot_be(helen: Visitor, title: str, says: str) -> None:
    answer = helen.post(f"{ROLES}/new", {**NURSE, "title": title})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert 'value="photo_request.view" checked' in page
    assert 'value="Sees photos"' in page


def test_a_role_that_somebody_has_cannot_be_deleted(helen: Visitor, house: House) -> None:
    key = make_nurse(helen)
    helen.post(f"{URL}/{user_id(house, 'grace')}", {"roles": [key]})
    answer = helen.post(f"{ROLES}/{key}/delete")
    assert answer.status_code == 422
    assert "Somebody has this role." in answer.get_data(as_text=True)
    helen.post(f"{URL}/{user_id(house, 'grace')}", {"roles": [RECEPTIONIST]})
    assert helen.post(f"{ROLES}/{key}/delete").status_code == 303
    assert (
        "Nurse"
        not in helen.get(ROLES).get_data(as_text=True).partition("flashes")[2].partition("role-cards")[2]
    )


def test_a_starting_role_is_nobodys_to_change(helen: Visitor, house: House) -> None:
    assert helen.get(f"{ROLES}/{CLINICIAN}").status_code == 404
    assert helen.post(f"{ROLES}/{CLINICIAN}/delete").status_code == 404
    with house.at(house.riverside), pytest.raises(RoleRefused):
        roles.delete(CLINICIAN)


def test_the_role_of_the_last_manager_keeps_that_right(helen: Visitor, house: House) -> None:
    helen.post(f"{ROLES}/new", {"title": "Boss", "permissions": ["core.manage_staff"]})
    with house.at(house.riverside, write=False):
        (boss,) = [role for role in roles.all_roles() if role.title == "Boss"]
    helen.post(f"{URL}/{user_id(house, 'helen')}", {"roles": [boss.key]})
    answer = helen.post(f"{ROLES}/{boss.key}", {"title": "Boss", "permissions": []})
    assert answer.status_code == 422
    assert "Nobody else in your practice could manage staff then." in answer.get_data(as_text=True)


def test_somebody_whose_account_is_closed_is_no_other_manager(helen: Visitor, house: House) -> None:
    helen.post(f"{URL}/{user_id(house, 'amira')}", {"roles": [PRACTICE_ADMIN]})
    with house.at(house.riverside) as session:
        session.get_one(User, user_id(house, "amira")).active = False
    assert helen.post(f"{URL}/{user_id(house, 'helen')}", {"roles": [CLINICIAN]}).status_code == 422
    assert helen.post(f"{URL}/{user_id(house, 'helen')}/remove").status_code == 422
    assert PRACTICE_ADMIN in member(house, "helen").roles


@pytest.mark.both_databases
@pytest.mark.parametrize("how", ["roles", "remove"])
def test_two_administrators_who_drop_each_other_at_once_do_not_both_succeed(
    helen: Visitor, house: House, visitor: Callable[[], Visitor], how: str
) -> None:
    ids = {name: user_id(house, name) for name in ("helen", "amira")}
    helen.post(f"{URL}/{ids['amira']}", {"roles": [PRACTICE_ADMIN, CLINICIAN]})
    amira = visitor()
    amira.sign_in("amira")
    start, answers = threading.Barrier(2), []
    data = {"roles": [CLINICIAN]} if how == "roles" else {}
    sent = [(helen, ids["amira"], helen._token()), (amira, ids["helen"], amira._token())]

    def drop(browser: Visitor, other: int, token: str) -> None:
        path = f"{URL}/{other}" + ("" if how == "roles" else "/remove")
        start.wait()
        answer = browser.client.post(path, data=data, headers={"X-CSRFToken": token}, buffered=True)
        answers.append(answer.status_code)

    threads = [threading.Thread(target=drop, args=each) for each in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = [one for name, one in ids.items() if _manages(house, one)]
    assert len(left) == 1, f"one of them still runs the practice: {answers}"


def _manages(house: House, number: int) -> bool:
    with house.at(house.riverside, write=False):
        return any(one.user_id == number and PRACTICE_ADMIN in one.roles for one in members.everybody())


# --- finding colleagues ----------------------------------------------------------------------------------------------


def names_of(page: Any) -> list[str]:
    return re.findall(r'data-label="Name"><span>([^<]+?) ?<span', page.get_data(as_text=True))


@pytest.mark.both_databases
def test_colleagues_are_found_by_name_address_role_and_state(house: House, helen: Visitor) -> None:
    url = "/p/riverside/admin/staff"
    everybody = names_of(helen.get(url))
    assert len(everybody) > 3
    assert names_of(helen.post(url, {"q": "AMIRA"})) == names_of(helen.post(url, {"q": "khan amira"}))
    assert len(names_of(helen.post(url, {"q": "amira"}))) == 1
    assert len(names_of(helen.post(url, {"q": "amira@"}))) == 1
    assert "No colleague fits" in text(helen.post(url, {"q": "nobody at all"}))
    receptionists = names_of(helen.post(url, {"q": "", "role": "receptionist"}))
    assert receptionists == names_of(helen.get(f"{url}?role=receptionist"))
    assert 0 < len(receptionists) < len(everybody)
    assert len(names_of(helen.post(url, {"state": "never"}))) == len(everybody) - 1, (
        "only Helen has signed in"
    )
    assert names_of(helen.post(url, {"order": "seen"}))[0] == "Helen Price"
    assert helen.post(url, {"state": "nonsense"}).status_code == 404
    assert names_of(helen.get(f"{url}?q=nobody")) == everybody, "an address has no names"


def test_the_list_of_staff_is_taken_away(house: House, helen: Visitor) -> None:
    answer = helen.post("/p/riverside/admin/staff", {"q": "amira", "action": "csv"})
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(row["E-mail"], row["Roles"], row["Second factor"]) for row in rows] == [
        ("amira@riverside.example.com", "Clinician", "no")
    ]
    with house.at(house.riverside, write=False) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.exported")).one()
    assert entry.detail == {"format": "csv", "count": 1}
