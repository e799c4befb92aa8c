"""Every page of the URL map, of the core and of every plugin: WCAG 2.2 AA, light and dark, phone and desk, turned round.

The map is the application's own, so a new route is looked at without being written down here; it is asked with one of
everything that the plugins' samples and the core make, by somebody who may. What is no page is named with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select, update
from werkzeug.routing import AnyConverter, Rule

from core import db
from core.app import create_app
from core.authoring.surfaces import rules
from core.plugin_system import activation
from core.security.models import SignInSession
from core.web import errors
from core.web.routes import Access
from tests.journeys import acting, one_of_everything
from tests.journeys.looking import glance
from tests.journeys.one_of_everything import OPERATOR, WITH_CODES, Everything
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.running import Careroom

PART: Final = "a part of a page, looked at on that page"
DATA: Final = "read by scripts"
FILE: Final = "a file"
ONWARD: Final = "leads on to a page"
NO_PAGE: Final = {
    **dict.fromkeys(
        (
            "alerts.strip", "bell.panel", "exports.practice_state", "panels.patient_panel", "panels.patient_panels",
            "panels.slot_panels", "panels.today_panel", "panels.today_panels", "patient_data.erasure_state",
            "patient_data.export_state", "patient_data.listing", "patient_import.state", "practice.logo_panel",
            "rail.panel", "toolbar.panel", "photo_request_patient.arrived_list",
        ),
        PART,
    ),
    **dict.fromkeys(
        (
            "bell.seen", "lock.state", "outbox.version", "video_call.board_of", "video_call.chat_of",
            "video_call.consents_of", "video_call.state", "video_call_patient.board_of", "video_call_patient.chat_of",
            "video_call_patient.consents_of", "video_call_patient.outside", "video_call_patient.state",
        ),
        DATA,
    ),
    **dict.fromkeys(
        (
            "audit_trail.export", "brand_logo.asset", "exports.download_practice", "exports.patients_csv",
            "messages.export", "operator_trail.export", "oversight.export",
            "outbox.email",  # a message as mail clients show it, under a policy that lets no script look at it
            "patient_data.download", "patient_import.bad_rows", "patient_import.example", "photo_request.picture",
            "photo_request_patient.thumb", "video_call.background", "video_call.background_picture",
            "video_call.background_preview", "video_call.file", "video_call_patient.file",
            "video_call_patient.sample",
        ),
        FILE,
    ),
    **dict.fromkeys(
        ("account.index", "bell.open_item", "launch.act", "link.start", "oidc.back", "oidc.begin", "oidc.unlock"),
        ONWARD,
    ),
}  # fmt: skip
"""GET routes that answer no page of their own, each with the reason; a page among them fails the test."""

NAMES: Final = {
    "message_templates.edit": "photo_request.invitation",
    "style_page.page": "patient",
    "launch.act": "video_call.invite",
}
"""What stands for ``name`` in these routes; elsewhere it is a plugin's."""

AREAS: Final = (
    "staff",
    "administration",
    "photo_request",
    "video_call",
    "patient",
    "operator",
    "signed_in",
    "public",
)


def area_of(rule: Rule, access: Access) -> str | None:
    """Where a route is looked at; None: static files, for which there is no page."""
    if access.kind in ("asset", "static"):
        return None
    if access.kind != "staff":
        return access.kind
    return access.owner if access.owner != "core" else "administration" if "/admin" in rule.rule else "staff"


@pytest.fixture(scope="module")
def application(installation: Careroom) -> Flask:
    """The same application in the test's process, for its map."""
    with installation.inside():
        return create_app(installation.settings.model_copy(update={"async_mode": "threading"}))


@pytest.fixture(scope="module")
def everything(installation: Careroom) -> Everything:
    with installation.inside():
        return one_of_everything.make(installation, People(installation))


@pytest.fixture
def visit(windows: Windows, application: Flask, everything: Everything) -> Visit:
    return Visit(application, everything)


class Visit:
    """Goes through the pages of an area. seen: the endpoints that were looked at."""

    def __init__(self, app: Flask, everything: Everything) -> None:
        self.app, self.everything = app, everything
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    def routes(self, area: str, *, owner: str | None = None) -> Iterator[Rule]:
        """The routes of an area that answer a GET, but for those that are no pages."""
        for rule, access in rules(self.app, owner=owner):
            if (
                "GET" in (rule.methods or ())
                and area_of(rule, access) == area
                and rule.endpoint not in NO_PAGE
            ):
                yield rule

    def look(self, page: Page, url: str, endpoint: str) -> None:
        """Look at one page as it stands there."""
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")
        answer = page.goto(url)
        assert answer is not None
        if answer.status != 200 or answer.request.redirected_from is not None:
            self.wrong.append(f"{endpoint}: {answer.status} at {answer.url}")
            return
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        self.seen.add(endpoint)
        self.wrong += [f"{endpoint} ({url}) {one}" for one in glance(page)]

    def all_of(self, page: Page, area: str, *, without: tuple[str, ...] = (), **values: Any) -> None:
        """Look at every page of an area that is not ``without``."""
        for rule in self.routes(area):
            if rule.endpoint not in without:
                self.look(page, self.url(rule, **values), rule.endpoint)

    def url(self, rule: Rule, **values: Any) -> str:
        """The address of a route for what there is."""
        given = self.everything.given(name=NAMES.get(rule.endpoint, "photo_request"), **values)
        for argument in rule.arguments - given.keys():
            converter = rule._converters[argument]
            if isinstance(converter, AnyConverter):
                given[argument] = sorted(converter.items)[0]
            else:
                assert rule.endpoint in NO_PAGE, f"{rule.rule}: there is nothing that is a {argument}"
                given[argument] = uuid4()
        chosen = {name: given[name] for name in rule.arguments if name not in (rule.defaults or {})}
        built = rule.build(chosen)
        assert built is not None
        return built[1]

    def check(self, area: str) -> None:
        """Nothing was wrong, and no page of the area was left out."""
        assert not self.wrong, "\n".join(self.wrong)
        assert {rule.endpoint for rule in self.routes(area)} == self.seen


def test_every_route_has_an_area_and_what_is_no_page_exists(application: Flask) -> None:
    of_map = {rule.endpoint for rule, _access in rules(application)}
    assert not NO_PAGE.keys() - of_map
    areas = {area_of(rule, access) for rule, access in rules(application)} - {None}
    assert areas == {*AREAS}, "a plugin needs an area of its own here"


def test_what_is_no_page_answers_none(windows: Windows, visit: Visit) -> None:
    page = windows.clinician("helen")
    token = visit.everything.links[0].rpartition("/")[2]
    for rule, access in rules(visit.app):
        if access.kind not in ("staff", "public") or rule.endpoint not in NO_PAGE:
            continue
        answer = page.context.request.get(visit.url(rule, token=token), max_redirects=0)
        what = f"{rule.endpoint}: {answer.status}"
        assert answer.status < 500, what
        is_page = answer.status == 200 and b"<html" in answer.body()[:2000]
        assert not is_page or rule.endpoint == "outbox.email", what


@pytest.mark.parametrize("area", ["staff", "photo_request"])
def test_pages_of_a_practice(windows: Windows, visit: Visit, area: str) -> None:
    visit.all_of(windows.clinician("helen"), area)
    visit.check(area)


def test_pages_of_the_administration(windows: Windows, visit: Visit, careroom: Careroom) -> None:
    page = windows.clinician("helen")
    consent = "admin_plugins.consent"  # there is nothing to agree to while a plugin is on
    visit.all_of(page, "administration", without=(consent,))
    with careroom.at("riverside", write=True):
        activation.disable("photo_request")
    try:
        visit.look(page, "/p/riverside/admin/plugins/photo_request/consent", consent)
    finally:
        with careroom.at("riverside", write=True):
            activation.enable("photo_request")
    visit.check("administration")


def test_pages_of_calls(windows: Windows, visit: Visit) -> None:
    page = windows.clinician("helen")
    others = {"video_call.ended": "ended_call_id", "video_call.move": "planned_call_id"}
    for rule in visit.routes("video_call"):
        call_id = visit.everything.values[others.get(rule.endpoint, "call_id")]
        visit.look(page, visit.url(rule, call_id=call_id), rule.endpoint)
    visit.check("video_call")


def test_pages_behind_links(windows: Windows, visit: Visit) -> None:
    """Each link that was sent leads to pages of one plugin; of a call, the patient's and the guest's, on and over."""
    shown = []
    for link in visit.everything.links:
        phone = windows.phone()
        phone.goto(link)
        if phone.locator("[name=day]").count():
            acting.enter_birth_date(phone, visit.everything.person.birth_date)
        else:
            phone.locator("main .button.main").click()
        phone.wait_for_url("**/v/**")
        _, _, link_id, owner, *_rest = phone.url.removeprefix("http://").split("/")
        shown.append(owner)
        for rule in visit.routes("patient", owner=owner):
            visit.look(phone, visit.url(rule, link_id=link_id), rule.endpoint)
    assert sorted(shown) == ["photo_request", *["video_call"] * 3]
    visit.check("patient")


def test_pages_of_the_operator_and_of_ones_account(
    windows: Windows, visit: Visit, careroom: Careroom
) -> None:
    page = windows.desk()
    acting.sign_in(page, OPERATOR)
    page.wait_for_url("**/operator")
    visit.all_of(page, "operator")
    visit.check("operator")
    visit.seen.clear()
    visit.all_of(page, "signed_in", without=("lock.page",))
    with db.scope() as session:
        user_id = session.scalars(select(User.id).where(User.username == OPERATOR)).one()
        session.execute(
            update(SignInSession).values(locked_at=db.utcnow()).where(SignInSession.user_id == user_id)
        )
    visit.look(page, "/session/locked", "lock.page")
    visit.check("signed_in")


def test_pages_that_need_nobody(windows: Windows, visit: Visit) -> None:
    page = windows.desk()
    link = visit.everything.links[0].rpartition("/")[2]
    tokens = {"sign_in.join": "join", "sign_in.new_password": "new_password"}
    for rule in visit.routes("public"):
        token = visit.everything.values[tokens[rule.endpoint]] if rule.endpoint in tokens else link
        if rule.endpoint == "sign_in.second_step_page":
            acting.sign_in(page, WITH_CODES)
            page.wait_for_url("**/login/second-step")
        visit.look(page, visit.url(rule, token=token), rule.endpoint)
    visit.check("public")


def test_pages_of_errors(windows: Windows, application: Flask, careroom: Careroom) -> None:
    """Rendered here and shown with the server's styles."""
    page = windows.desk()
    page.goto("/login")
    for status in sorted(errors.PAGES):
        with application.test_request_context("/nowhere"), db.scope(write=False):
            body = errors.answer(status).get_data(as_text=True)
        page.route("**/nowhere", _showing(body))
        page.goto("/nowhere")
        assert page.locator("h1").inner_text()
        assert glance(page) == [], status
        page.unroute("**/nowhere")


def _showing(body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type="text/html")
