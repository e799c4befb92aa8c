"""Choosing a language, and reading everything under the bell, on pages that answered a form."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import audit, db
from core.authoring.surfaces import rules, url_of
from core.notifications import inbox
from core.security import members
from core.security import roles as practice_roles
from tests.support.forms import Form, forms_of
from tests.support.house import House, Visitor
from tests.support.pages import text
from tests.support.photos import a_request_with_photos

PATIENTS = "/p/riverside/patients"
SENT = {"q": "nobody", "family_name": "Whitfield", "given_names": "Nobody", "birth_date": "01/01/2001"}
"""With every form: what nobody is called, and is otherwise wrong or of no account."""


def frame(answer: Any, action: str = "/preferences") -> Form | None:
    """The form of a page's frame; None where the answer is no whole page."""
    if answer.mimetype != "text/html":
        return None
    forms = forms_of(answer.get_data(as_text=True))
    return next((form for form in forms if form.action == action), None)


def in_french(browser: Visitor, page: Any) -> Any:
    """What a person sees who presses "Français" on a page. Without scripts, they press "Go on" once more."""
    form = frame(page)
    assert form is not None, "no whole page"
    answer = browser.post("/preferences", form.data(language="fr"))
    if answer.status_code == 303:
        return browser.get(answer.location)
    (again,) = [one for one in forms_of(answer.get_data(as_text=True)) if one.action != "/preferences"]
    return browser.post(again.action, again.data())


def test_every_page_that_answers_a_form_comes_back_to_a_whole_page(
    app: Flask, house: House, helen: Visitor, olga: Visitor
) -> None:
    with db.scope(write=False) as session:
        helen_id, tom_id = (
            session.scalars(select(User.id).where(User.username == name)).one() for name in ("helen", "tom")
        )
    with house.at(house.riverside), audit.use_actor(audit.Actor("staff", str(helen_id), "Helen Price")):
        role = practice_roles.make("Nurse", "", ["core.view_patients"])
        members.set_roles(tom_id, [role])
    ids = {**a_request_with_photos(house, house.riverside), "practice_id": house.riverside}
    words: dict[str, Any] = {
        "key": role,
        "user_id": helen_id,
        "name": "photo_request",
        "test_name": "invitation",
    }
    words["practice_slug"] = "riverside"
    tried, lost = set(), []
    for rule, access in sorted(rules(app), key=lambda one: one[1].owner == "core"):
        if rule.endpoint == "admin_plugins.disable":
            continue
        if access.kind not in ("staff", "operator") or "POST" not in (rule.methods or ()):
            continue
        browser = olga if access.kind == "operator" else helen
        if rule.arguments & words.keys() - {"practice_slug"}:
            named = {name: value for name, value in {**ids, **words}.items() if name in rule.arguments}
            url = str(rule.build(named)[1])
        else:
            url = url_of(rule, "riverside", ids)
        answer = browser.post(url, SENT)
        is_refused = answer.status_code in (400, 403, 404) and rule.endpoint != "launch.open_patient"
        if is_refused or (form := frame(answer)) is None:
            continue
        tried.add(rule.endpoint)
        back = browser.get(form.value("next") or "", follow_redirects=True)
        if back.status_code != 200 or frame(back) is None:
            lost.append(f"{rule.endpoint} to {form.value('next')}: {back.status_code}")
    assert lost == []
    assert tried >= {
        "launch.open_patient", "launch.add", "operator.create", "operator.invite_administrator", "staff.remove",
        "audit_trail.find", "alerts.add", "practice.save_logo", "patients.search", "roles.delete",
        "admin_plugin_settings.try_out",
    }  # fmt: skip


def test_the_choice_of_a_launch_outlives_a_choice_of_language(helen: Visitor) -> None:
    launched = helen.post(
        "/p/riverside/launch/open",
        {**SENT, "action": "photo_request", "system": "EMIS", "password": "secret"},
    )
    assert "Which patient?" in text(launched)
    assert "secret" not in launched.get_data(as_text=True)
    french = in_french(helen, launched)
    assert (french.status_code, "Quel patient" in text(french)) == (launched.status_code, True)
    for form in forms_of(french.get_data(as_text=True)):
        if form.action.endswith("/launch/add"):
            assert (form.value("family_name"), form.value("action")) == ("Whitfield", "photo_request")
            blank = helen.post(form.action, form.data())
            back = in_french(helen, blank)
            assert 'value="Whitfield"' in back.get_data(as_text=True)
            break
    else:
        raise AssertionError("the patient cannot be added")


def test_a_search_outlives_a_choice_of_language_and_stays_out_of_the_address(helen: Visitor) -> None:
    found = helen.post(PATIENTS, {"q": "Whitfield", "inactive": "1"})
    form = frame(found)
    assert form is not None
    assert (form.value("next"), form.value("again")) == (PATIENTS, PATIENTS)
    back = in_french(helen, found)
    page = back.get_data(as_text=True)
    assert ('value="Whitfield"' in page, "Margaret" in page) == (True, True)
    assert re.search(r'name="inactive" value="0"', page), "and still with those who have left"


def test_a_name_in_an_address_finds_nobody_and_is_shown_nowhere(helen: Visitor) -> None:
    page = helen.get(f"{PATIENTS}?q=Whitfield").get_data(as_text=True)
    everybody = helen.get(PATIENTS).get_data(as_text=True)
    assert page.count('class="patient-row"') == everybody.count('class="patient-row"') > 1
    assert 'value="Whitfield"' not in page


def test_the_bell_comes_back_to_the_page_when_it_was_fetched_again(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        inbox.notify("Look at this", url="/patients", permission="core.work", icon="bell", key="look")
    there = f"http://localhost{PATIENTS}?page=1"
    bell = amira.get("/p/riverside/bell", headers={"X-Panel": "1", "Referer": there})
    form = frame(bell, "/p/riverside/bell/read")
    assert form is not None
    assert form.value("next") == f"{PATIENTS}?page=1"
    beside = amira.get(
        "/p/riverside/bell", headers={"X-Panel": "1", "Referer": "http://localhost/p/riverside/launch/open"}
    )
    home = frame(beside, "/p/riverside/bell/read")
    assert home is not None
    assert home.value("next") == "/p/riverside/"
    assert amira.post("/p/riverside/bell/read", form.data()).location == f"{PATIENTS}?page=1"


def test_what_is_sent_again_goes_nowhere_else(helen: Visitor) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = helen.post("/preferences", {"language": "fr", "again": elsewhere, "again.q": "x"})
        assert (answer.status_code, answer.location) == (303, "/")
