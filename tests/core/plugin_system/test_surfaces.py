"""The surface test: with a plugin off, every route, hook, panel, menu entry, socket event, job, message template,
link and static file of it is dead for that practice, and alive in the other.

The surfaces are found in the manifest, the URL map and the hook implementations: a new plugin, or a new surface of an
old one, is covered without a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from core import db, jobs, links, notifications, tenancy
from core.jobs import JobRow
from core.patients import Patient
from core.plugin_system import PatientContext, Plugin, StaffContext, activation, call, registry
from core.plugin_system.hookspecs import CONTRACTS
from core.realtime.sockets import bus_of
from core.security import permissions
from core.web.routes import Access, table
from tests.support.house import House, Visitor

PLUGINS = sorted(point.name for point in entry_points(group="careroom.plugins"))
pytestmark = pytest.mark.parametrize("name", PLUGINS)


@pytest.fixture
def plugin(house: House, name: str) -> Plugin:
    return registry.get(name)


def switch(practice_id: UUID, name: str, *, on: bool) -> None:
    with tenancy.practice_scope(practice_id):
        (activation.enable if on else activation.disable)(name)


def routes_of(app: Flask, owner: str) -> list[tuple[Rule, Access]]:
    return [
        (rule, table(app)[rule.endpoint])
        for rule in app.url_map.iter_rules()
        if table(app)[rule.endpoint].owner == owner
    ]


@contextmanager
def recorded_views(app: Flask, owner: str) -> Iterator[set[str]]:
    """While this lasts, the views of a plugin do nothing but note that they were reached."""
    reached: set[str] = set()
    kept = dict(app.view_functions)

    def note(endpoint: str) -> Callable[..., str]:
        def view(**values: Any) -> str:
            reached.add(endpoint)
            return ""

        return view

    for rule, _access in routes_of(app, owner):
        app.view_functions[rule.endpoint] = note(rule.endpoint)
    try:
        yield reached
    finally:
        app.view_functions.update(kept)


def url_of(rule: Rule, slug: str, link_id: UUID | None) -> str:
    """The rule's URL with made-up ids: the gate decides before anybody looks them up."""
    values: dict[str, Any] = {}
    for argument in rule.arguments:
        converter = rule._converters[argument]
        if isinstance(converter, UUIDConverter):
            values[argument] = uuid4()
        elif isinstance(converter, AnyConverter):
            values[argument] = sorted(converter.items)[0]
        else:
            values[argument] = "1"
    values.update({"practice_slug": slug} if "practice_slug" in rule.arguments else {})
    values.update({"link_id": link_id} if "link_id" in rule.arguments else {})
    built = rule.build(values)
    assert built is not None
    return built[1]


def opened_link(house: House, visitor: Visitor, purpose: str) -> tuple[UUID, str]:
    """A link of this purpose that the visitor has opened with the right date of birth."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        issued = links.issue(purpose, patient_id, uuid4())
        born = db.get(Patient, patient_id).birth_date  # type: ignore[union-attr]
        link_id, path = issued.link.id, issued.url.removeprefix(house.settings.base_url)
    answer = visitor.post(path, {"day": born.day, "month": born.month, "year": born.year})
    assert answer.status_code == 303, "the link opens while the plugin is on"
    return link_id, path


def call_everything(
    app: Flask, house: House, visitor: Visitor, plugin: Plugin, link_ids: dict[str, UUID]
) -> set[str]:
    with recorded_views(app, plugin.name) as reached:
        for rule, access in routes_of(app, plugin.name):
            link_id = link_ids.get(access.purpose or "") or next(iter(link_ids.values()), None)
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                url = url_of(rule, "riverside", link_id)
                send = visitor.get if method == "GET" else visitor.post
                options = {} if method in ("GET", "POST") else {"method": method}
                send(url, **options)
    return reached


def test_every_route_is_dead_when_it_is_off(
    app: Flask, house: House, plugin: Plugin, visitor: Callable[[], Visitor]
) -> None:
    somebody = visitor()
    somebody.sign_in("helen")  # practice admin and clinician: nothing is hidden from her but by the switch
    link_ids = {p.name: opened_link(house, somebody, p.name)[0] for p in plugin.link_purposes}
    endpoints = {rule.endpoint for rule, _access in routes_of(app, plugin.name)}
    assert endpoints, "the plugin has routes"

    assert call_everything(app, house, somebody, plugin, link_ids) == endpoints, "on: each is reached"
    switch(house.riverside, plugin.name, on=False)
    assert call_everything(app, house, somebody, plugin, link_ids) == set(), "off: none is"
    switch(house.riverside, plugin.name, on=True)
    assert call_everything(app, house, somebody, plugin, link_ids) == endpoints, "on again: all as before"


def test_its_pages_answer_404_to_staff_when_it_is_off(
    app: Flask, house: House, plugin: Plugin, visitor: Callable[[], Visitor]
) -> None:
    switch(house.riverside, plugin.name, on=False)
    somebody = visitor()
    somebody.sign_in("helen")
    for rule, access in routes_of(app, plugin.name):
        if access.kind == "staff" and "GET" in (rule.methods or ()):
            assert somebody.get(url_of(rule, "riverside", None)).status_code == 404


def test_a_patients_link_says_kindly_that_it_is_off(
    app: Flask, house: House, plugin: Plugin, visitor: Callable[[], Visitor]
) -> None:
    for purpose in plugin.link_purposes:
        somebody = visitor()
        link_id, path = opened_link(house, somebody, purpose.name)
        switch(house.riverside, plugin.name, on=False)
        for url in (path, f"/v/{link_id}/{plugin.name}/"):
            answer = somebody.get(url)
            assert answer.status_code == 404
            assert "Riverside Surgery is not offering this at present" in answer.get_data(as_text=True)
        switch(house.riverside, plugin.name, on=True)
        assert somebody.get(path).status_code == 200


def test_no_hook_of_it_is_called_when_it_is_off(house: House, plugin: Plugin) -> None:
    from core.plugin_system.dispatch import _implementations

    implemented = {
        hook
        for hook in CONTRACTS
        for name, _function in _implementations(hook, frozenset([plugin.name]))
        if name == plugin.name
    }
    assert implemented == {impl.name for impl in registry.manager.get_hookcallers(plugin.hooks) or ()}
    switch(house.riverside, plugin.name, on=False)
    for practice_id, alive in ((house.riverside, set()), (house.lumiere, implemented)):
        with house.at(practice_id, write=False):
            called = {
                hook
                for hook in CONTRACTS
                if any(name == plugin.name for name, _f in _implementations(hook, activation.enabled()))
            }
        assert called == alive


def test_panels_actions_and_menu_entries_go_with_it(house: House, plugin: Plugin, app: Flask) -> None:
    hooks = ("patient_panels", "patient_actions", "today_panels", "navigation", "timeline_entries")

    def offered(practice_id: UUID, slug: str, family_name: str) -> dict[str, list[Any]]:
        patient_id = house.patient_id(practice_id, family_name)
        with app.test_request_context(f"/p/{slug}/"), house.at(practice_id, write=False):
            from flask import g

            g.practice_slug = slug
            everything = frozenset(item.name for item in permissions.declared())
            patient = db.get(Patient, patient_id)
            assert patient is not None
            contexts = {
                "StaffContext": StaffContext(tenancy.current(), 1, everything),
                "PatientContext": PatientContext(tenancy.current(), 1, everything, patient),
            }
            return {
                hook: call(
                    hook,
                    contexts["PatientContext" if "patient" in hook or "time" in hook else "StaffContext"],
                )
                for hook in hooks
            }

    before = offered(house.riverside, "riverside", "Whitfield")
    switch(house.riverside, plugin.name, on=False)
    owners = {
        item.permission.partition(".")[0]
        for hook, items in offered(house.riverside, "riverside", "Whitfield").items()
        if hook != "timeline_entries"
        for item in items
    }
    assert plugin.name not in owners
    assert offered(house.lumiere, "lumiere", "Benali").keys() == before.keys()
    switch(house.riverside, plugin.name, on=True)
    after = offered(house.riverside, "riverside", "Whitfield")
    assert {h: len(items) for h, items in after.items()} == {h: len(items) for h, items in before.items()}


def test_no_page_speaks_of_it_when_it_is_off(
    house: House, plugin: Plugin, visitor: Callable[[], Visitor]
) -> None:
    somebody = visitor()
    somebody.sign_in("helen")
    patient = house.patient_id(house.riverside, "Whitfield")
    pages = ("/p/riverside/", "/p/riverside/patients", f"/p/riverside/patients/{patient}")
    marks = (
        f"/p/riverside/{plugin.name}",
        f"/{plugin.name}/static",
        f"/s/riverside/{plugin.name}",
        f'"{plugin.name}.',
    )

    def speaking() -> set[str]:
        return {
            page for page in pages if any(mark in somebody.get(page).get_data(as_text=True) for mark in marks)
        }

    assert speaking(), "on: it is on some page"
    switch(house.riverside, plugin.name, on=False)
    assert speaking() == set()


def test_its_message_templates_do_not_exist_when_it_is_off(house: House, plugin: Plugin) -> None:
    switch(house.riverside, plugin.name, on=False)
    for practice_id, there in ((house.riverside, False), (house.lumiere, True)):
        with house.at(practice_id, write=False):
            for template in plugin.templates:
                if there:
                    assert notifications.templates.find(template.name) is template
                else:
                    with pytest.raises(notifications.UnknownTemplate):
                        notifications.templates.find(template.name)


def test_its_jobs_wait_while_it_is_off(house: House, plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    declared = {job.kind: job for job in plugin.jobs}
    for kind, job in declared.items():
        monkeypatch.setitem(
            jobs.registry._jobs, kind, jobs.Job(kind, lambda payload, kind=kind: ran.append(kind), job.every)
        )
    switch(house.riverside, plugin.name, on=False)
    with house.at(house.riverside):
        for kind in declared:
            jobs.enqueue(kind)
    house.work()
    assert ran == []
    switch(house.riverside, plugin.name, on=True)
    with house.at(house.riverside) as session:
        waiting = session.query(JobRow).filter(JobRow.kind.in_(declared)).all()
        assert {row.kind for row in waiting} >= set(declared)
        for row in waiting:
            assert row.attempts == 0, "waiting costs no attempt"
            row.due_at = db.utcnow()
    house.work()
    assert set(ran) == set(declared)


def test_its_socket_events_are_not_heard_when_it_is_off(app: Flask, house: House, plugin: Plugin) -> None:
    bus = bus_of(app)
    assert {event.name for event in bus.events} >= {event.name for event in plugin.socket_events}
    assert bus._allowed(plugin.name, house.riverside)
    switch(house.riverside, plugin.name, on=False)
    assert not bus._allowed(plugin.name, house.riverside)
    assert bus._allowed(plugin.name, house.lumiere)


def test_its_static_files_are_not_served_when_it_is_off(
    house: House, plugin: Plugin, visitor: Callable[[], Visitor]
) -> None:
    folder = plugin.folder("static")
    files = (
        [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        if folder
        else []
    )
    assert files or folder is None
    somebody = visitor()

    def served(slug: str) -> set[int]:
        return {somebody.get(f"/s/{slug}/{plugin.name}/{file}").status_code for file in files}

    assert served("riverside") <= {200}
    switch(house.riverside, plugin.name, on=False)
    assert served("riverside") <= {404}
    assert served("lumiere") <= {200}
