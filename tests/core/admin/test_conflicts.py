"""Two at one form: whoever saves second is told, loses nothing typed, and can save all the same.

The forms are found on the pages themselves, so that a new one cannot forget to look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import db
from core.admin import conflicts
from core.authoring.surfaces import ids_of, rules, url_of
from core.authoring.tenancy import rows_of
from core.demo import PASSWORD
from core.notifications import templates
from core.security import create_user, oidc
from core.security import roles as practice_roles
from tests.support.forms import Form, forms_of
from tests.support.house import House, Visitor
from tests.support.pages import text

MEANWHILE = "Somebody else has changed"
NOTHING_TO_CHANGE = {
    "patients.search": "a search",
    "audit_trail.find": "a search",
    "operator_trail.find": "a search",
    "staff.search": "a search",
    "staff.invite": "makes an invitation",
    "roles.make": "makes a role",
    "operator.create": "makes a practice",
    "operator.invite_administrator": "makes an invitation",
    "practice.save_logo": "a picture, beside the one that is shown until it is ready",
    "lock.unlock": "the idle lock, on every page",
}
"""Endpoints of forms that put nothing in the place of anything."""
ACTS = {
    "AuthDBView.logout": "on every page",
    "account.preferences": "on every page, for its reader alone",
    "audit_trail.verify": "reads",
    "operator_trail.verify": "reads",
    "exports.make_practice": "makes a file",
    "operator.set_status": "names the state that it leads to",
    "operator_plugins.rule": "names the word that is kept",
    "roles.delete": "refused while somebody has it",
    "staff.remove": "removes whom it names",
}
"""Endpoints of buttons that do one thing to what they name, whatever else somebody chose meanwhile."""


@dataclass(frozen=True)
class Found:
    """A form of the administration, on its page."""

    page: str
    endpoint: str
    form: Form

    @property
    def action(self) -> str:
        return self.form.action or self.page


@pytest.fixture
def boss(house: House, visitor: Callable[[], Visitor]) -> Visitor:
    """An operator of the platform, of no practice."""
    with db.scope():
        create_user("boss", "boss@platform.example", "Bo", "Ss", PASSWORD, is_operator=True)
    browser = visitor()
    browser.sign_in("boss")
    return browser


@pytest.fixture
def nurse(house: House) -> str:
    """A role of Riverside's own."""
    with house.at(house.riverside):
        oidc.configure("CIS2", "http://127.0.0.1:9", "careroom", "secret", "openid", enabled=False)
        return practice_roles.make("Nurse", "", ["core.view_patients"])


def administration(
    app: Flask, house: House, helen: Visitor, boss: Visitor, nurse: str, *, edits: bool = True
) -> list[Found]:
    """Every form of every page of the administration and of the console: those with something to type or choose, or
    those with a button alone."""
    with db.scope(write=False) as session:
        grace = session.scalars(select(User.id).where(User.username == "grace")).one()
    values = {"key": nurse, "user_id": str(grace), "name": None}
    found: dict[tuple[str, str], Found] = {}
    adapter = app.url_map.bind("localhost")
    for rule, access in rules(app):
        if "GET" not in (rule.methods or ()) or not _is_administration(rule.rule, access.kind):
            continue
        browser = boss if access.kind == "operator" else helen
        for page in _pages(rule, house, values):
            answer = browser.get(page)
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            for form in forms_of(answer.get_data(as_text=True)):
                if form.method == "post" and form.edits == edits:
                    endpoint = adapter.match((form.action or page).partition("?")[0], method="POST")[0]
                    found.setdefault((page, endpoint), Found(page, endpoint, form))
    return list(found.values())


def _is_administration(rule: str, kind: str) -> bool:
    return kind == "operator" or (
        kind == "staff" and ("/admin" in rule or rule.startswith("/p/<practice_slug>/messages"))
    )


def _pages(rule: Any, house: House, values: dict[str, Any]) -> list[str]:
    if ids_of(rule) - {"practice_id"}:
        return []
    named = rule.arguments - {"practice_slug", "practice_id"}
    chosen = {"practice_slug": "riverside", "practice_id": house.riverside}
    if named == {"name"}:
        names = ["photo_request", "photo_request.invitation"]
        return [str(rule.build({**chosen, "name": name})[1]) for name in names]
    if named - values.keys():
        return [url_of(rule, "riverside", {})]
    return [str(rule.build({**chosen, **{name: values[name] for name in named}})[1])]


def test_every_form_that_edits_says_what_it_was_shown_with(
    app: Flask, house: House, helen: Visitor, boss: Visitor, nurse: str
) -> None:
    forms = administration(app, house, helen, boss, nurse)
    edits = {one.endpoint: one for one in forms if one.endpoint not in NOTHING_TO_CHANGE}
    assert edits.keys() >= {
        "practice.save", "practice.save_hours", "practice.save_look", "link_policies.save", "retention.save",
        "message_templates.save", "message_rules.save", "usage.save", "roles.save", "staff.save",
        "admin_sign_in.save", "admin_sign_in.save_provider", "admin_plugin_settings.save", "operator.decree",
    }  # fmt: skip
    forgot = [name for name, one in edits.items() if not one.form.value(conflicts.FIELD)]
    assert forgot == [], "these forms do not say what they were shown with: see core/admin/conflicts.py"
    unused = NOTHING_TO_CHANGE.keys() - {one.endpoint for one in forms}
    assert unused == set(), "nothing on these pages sends there"


def test_every_button_that_undoes_what_was_chosen_says_what_it_was_beside(
    app: Flask, house: House, helen: Visitor, boss: Visitor, nurse: str
) -> None:
    with house.at(house.riverside):
        templates.override("photo_request.invitation", "en", subject="Photos, please")
    house.switch(house.riverside, "video_call", on=False)
    forms = administration(app, house, helen, boss, nurse, edits=False)
    buttons = [one for one in forms if one.endpoint not in ACTS]
    assert {one.endpoint for one in buttons} >= {
        "admin_plugins.enable", "admin_plugins.disable", "admin_plugin_settings.save", "message_rules.save",
        "message_templates.save", "admin_sign_in.save_provider",
    }  # fmt: skip
    forgot = sorted({one.endpoint for one in buttons if not one.form.value(conflicts.FIELD)})
    assert forgot == [], "these buttons do not say what they were beside: see core/admin/conflicts.py"
    assert ACTS.keys() - {one.endpoint for one in forms} == set(), "nothing on these pages sends there"
    for one in buttons:
        browser = boss if one.endpoint.startswith("operator") else helen
        before = rows_of(house, house.riverside)
        answer = browser.post(one.action, {**one.form.data(), conflicts.FIELD: "0" * 16})
        assert MEANWHILE in text(browser.get(answer.location)), f"{one.endpoint} says nothing"
        assert rows_of(house, house.riverside) == before, f"{one.endpoint} did it all the same"


def test_a_form_that_forgets_is_found(app: Flask, house: House, helen: Visitor) -> None:
    """Or the test above would prove nothing."""
    page = helen.get("/p/riverside/admin/practice").get_data(as_text=True)
    without = page.replace('name="seen"', 'name="unseen"')
    (form,) = [one for one in forms_of(without) if one.edits and "/admin/practice" in one.action]
    assert form.value(conflicts.FIELD) is None


def test_whoever_saves_second_is_told_everywhere_and_can_save_all_the_same(
    app: Flask, house: House, helen: Visitor, boss: Visitor, nurse: str
) -> None:
    tried = 0
    for one in administration(app, house, helen, boss, nurse):
        if one.endpoint in NOTHING_TO_CHANGE:
            continue
        browser = boss if one.endpoint.startswith("operator.") else helen
        before = rows_of(house, house.riverside)
        typed = _typed(one.form)
        answer = browser.post(one.action, {**one.form.data(**typed), conflicts.FIELD: "0" * 16})
        again = browser.get(answer.location) if answer.status_code == 303 else answer
        assert answer.status_code == 409 or one.endpoint == "operator.decree", one.endpoint
        assert MEANWHILE in text(again), one.endpoint
        assert rows_of(house, house.riverside) == before, f"{one.endpoint} stored it all the same"
        shown = [form for form in forms_of(again.get_data(as_text=True)) if form.action == one.form.action]
        form = next(form for form in shown if form.value(conflicts.FIELD))
        if answer.status_code == 409:
            kept = form.data()
            assert {name: kept.get(name) for name in typed} == {
                name: [value] for name, value in typed.items()
            }
        saved = browser.post(one.action, form.data(**typed))
        assert saved.status_code != 409, f"{one.endpoint} cannot be saved any more"
        assert MEANWHILE not in text(saved if saved.status_code != 303 else browser.get(saved.location))
        tried += 1
    assert tried >= 14


def _typed(form: Form) -> dict[str, str]:
    """Something else than what stands in the form's first field of text."""
    usual = {"colour": "#123456", "title": "Night nurse", "amount": "0.07", "idle_minutes": "20"}
    for control in form.of("text", "textarea"):
        if control.name in usual:
            return {control.name: usual[control.name]}
    return {}


def test_a_form_that_comes_back_with_a_fault_still_knows_what_it_was_shown_with(helen: Visitor) -> None:
    """Correcting one's slip must not put one's form in the place of what somebody stored meanwhile."""
    page = "/p/riverside/admin/links"
    (form,) = [one for one in forms_of(helen.get(page).get_data(as_text=True)) if one.action == page]
    helen.post(page, form.data(**{"every-days": "9"}))
    wrong = helen.post(page, form.data(**{"every-days": "soon"}))
    assert wrong.status_code == 422
    (again,) = [one for one in forms_of(wrong.get_data(as_text=True)) if one.action == page]
    late = helen.post(page, again.data(**{"every-days": "8"}))
    assert late.status_code == 409
    assert "Somebody else has changed these rules meanwhile" in text(late)


@pytest.mark.both_databases
def test_of_two_who_save_at_the_same_moment_one_is_told(
    house: House, helen: Visitor, visitor: Callable[[], Visitor]
) -> None:
    other = visitor()
    other.sign_in("helen")
    page = "/p/riverside/admin/links"
    (form,) = [one for one in forms_of(helen.get(page).get_data(as_text=True)) if one.action == page]
    tokens = [(browser, browser._token()) for browser in (helen, other)]
    start, answers = threading.Barrier(2), []

    def save(browser: Visitor, token: str, days: str) -> None:
        sent = {**form.data(**{"every-days": days}), "csrf_token": token}
        start.wait()
        answers.append(browser.client.post(page, data=sent).status_code)

    threads = [
        threading.Thread(target=save, args=(browser, token, days))
        for (browser, token), days in zip(tokens, ("11", "12"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
