"""With a plugin off, every route, hook, panel, menu entry, socket event, job, message template, link and static file
of it is dead for that practice, and alive in the other. Each function answers what is wrong, in sentences.

The surfaces are found in the manifest, the URL map and the hook implementations, so a new one needs no line here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, get_type_hints
from uuid import UUID, uuid4

from core import db, jobs, links, notifications, plugin_system
from core.authoring import surfaces
from core.authoring.inspection import Inspection
from core.jobs import JobRow
from core.patients import Patient
from core.plugin_system import activation, hookimpl, registry
from core.realtime.sockets import bus_of
from core.testing.house import Visitor

Gate = Callable[[Inspection], list[str]]
SHOWN: Final = ("patient_panels", "patient_actions", "today_panels", "navigation", "timeline_entries")


def opened_link(place: Inspection, visitor: Visitor, purpose: str) -> tuple[UUID, str]:
    """A link of this purpose that the visitor has opened, with the right date of birth or by its button."""
    house = place.house
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        issued = links.issue(purpose, patient_id, uuid4())
        born = db.session().get_one(Patient, (house.riverside, patient_id)).birth_date
        link_id, path = issued.link.id, issued.url.removeprefix(house.settings.base_url)
    visitor.post(path, {"day": born.day, "month": born.month, "year": born.year, "enter": "1"})
    return link_id, path


def routes(place: Inspection) -> list[str]:
    """No view is reached while it is off, by any method, by the one who may do most; and all are again after that."""
    somebody = place.visitor()
    link_ids = {p.name: opened_link(place, somebody, p.name)[0] for p in place.plugin.link_purposes}
    endpoints = {rule.endpoint for rule, _access in place.rules()}

    def reached() -> set[str]:
        with surfaces.recorded_views(place.app, place.name) as found:
            for rule, access in place.rules():
                link_id = link_ids.get(access.purpose or "") or next(iter(link_ids.values()), None)
                for method in surfaces.methods(rule):
                    surfaces.send(somebody, method, surfaces.url_of(rule, "riverside", {}, link_id))
        return set(found)

    wrong = [f"{endpoint} is never reached" for endpoint in sorted(endpoints - reached())]
    with place.off():
        wrong += [f"{endpoint} answers while it is off" for endpoint in sorted(reached())]
    return wrong + [f"{endpoint} does not come back" for endpoint in sorted(endpoints - reached())]


def pages(place: Inspection) -> list[str]:
    """Its pages answer 404 to staff."""
    with place.off():
        somebody = place.visitor()
        urls = [
            surfaces.url_of(rule, "riverside", {})
            for rule, access in place.rules()
            if access.kind == "staff" and "GET" in (rule.methods or ())
        ]
        return [f"{url} answers {code}" for url in urls if (code := somebody.get(url).status_code) != 404]


def links_of_patients(place: Inspection) -> list[str]:
    """A patient's link says kindly that the practice does not offer this at present, and works again later."""
    wrong = []
    for purpose in place.plugin.link_purposes:
        somebody = place.visitor(None)
        link_id, path = opened_link(place, somebody, purpose.name)
        with place.off():
            for url in (path, f"/v/{link_id}/{place.name}/"):
                answer = somebody.get(url)
                if answer.status_code != 404 or "not offering this" not in answer.get_data(as_text=True):
                    wrong.append(f"a link of {purpose.name} answers {answer.status_code} while it is off")
        if somebody.get(path).status_code != 200:
            wrong.append(f"a link of {purpose.name} does not work again")
    return wrong


def hooks(place: Inspection) -> list[str]:
    """None of its hooks is called."""
    with _recorded_hooks(place) as called:
        implemented = _implemented(place)

        def asked(practice_id: UUID) -> set[str]:
            called.clear()
            with place.house.at(practice_id, write=False):
                for hook in sorted(implemented):
                    plugin_system.call(hook, None, owner=place.name)
            return set(called)

        wrong = [f"{hook} is never called" for hook in implemented - asked(place.house.riverside)]
        with place.off():
            wrong += [f"{hook} is called while it is off" for hook in asked(place.house.riverside)]
            if asked(place.house.lumiere) != implemented:
                wrong.append("its hooks are dead in a practice where it is on")
    return wrong


def _implemented(place: Inspection) -> set[str]:
    names = vars(place.plugin.hooks) if place.plugin.hooks else {}
    return {name for name in names if name in registry.contracts and hasattr(names[name], "careroom_impl")}


@contextmanager
def _recorded_hooks(place: Inspection) -> Iterator[set[str]]:
    """While this lasts, the plugin's hooks do nothing but note that they were called."""
    called: set[str] = set()
    recording = ModuleType(f"{place.plugin.package}.recorded")

    def recorder(name: str) -> Callable[..., Any]:
        def implementation(ctx: Any) -> Any:
            called.add(name)
            return None if registry.contracts[name].item is None else []

        # A hook's annotations are held against its contract.
        implementation.__name__ = name
        implementation.__annotations__ = get_type_hints(registry.contracts[name].spec)
        return hookimpl(implementation)

    for name in _implemented(place):
        setattr(recording, name, recorder(name))
    try:
        registry.load(place.house.settings, [dataclasses.replace(place.plugin, hooks=recording)])
        activation.forget()
        yield called
    finally:
        registry.load(place.house.settings)
        activation.forget()


def panels(place: Inspection) -> list[str]:
    """Panels, actions, menu entries and timeline entries go with it, and come back with it."""
    house = place.house

    def offered(practice_id: UUID, family_name: str) -> dict[str, list[Any]]:
        with place.looking(practice_id, house.patient_id(practice_id, family_name)) as ctx:
            return {hook: plugin_system.call(hook, ctx) for hook in SHOWN}

    before = offered(house.riverside, "Whitfield")
    with place.off():
        wrong = [
            f"{hook}: {item.name} is there while it is off"
            for hook, items in offered(house.riverside, "Whitfield").items()
            if hook != "timeline_entries"
            for item in items
            if item.permission.partition(".")[0] == place.name
        ]
        if offered(house.lumiere, "Benali").keys() != before.keys():
            wrong.append("the other practice lost something")
    after = offered(house.riverside, "Whitfield")
    return wrong + [f"{hook} does not come back" for hook in SHOWN if len(after[hook]) != len(before[hook])]


def words(place: Inspection) -> list[str]:
    """No page of the practice speaks of it."""
    somebody = place.visitor()
    patient = place.house.patient_id(place.house.riverside, "Whitfield")
    marks = (
        f"/p/riverside/{place.name}",
        f"/{place.name}/static",
        f"/s/riverside/{place.name}",
        f'"{place.name}.',
    )
    with place.off():
        return [
            f"{page} speaks of it while it is off"
            for page in ("/p/riverside/", "/p/riverside/patients", f"/p/riverside/patients/{patient}")
            if any(mark in somebody.get(page).get_data(as_text=True) for mark in marks)
        ]


def templates(place: Inspection) -> list[str]:
    """Its message templates do not exist."""
    wrong = []
    with place.off():
        for practice_id, there in ((place.house.riverside, False), (place.house.lumiere, True)):
            with place.house.at(practice_id, write=False):
                for template in place.plugin.templates:
                    try:
                        found = notifications.templates.find(template.name) is template
                    except notifications.UnknownTemplate:
                        found = False
                    if found is not there:
                        wrong.append(
                            f"the message {template.name} is {'missing' if there else 'there while it is off'}"
                        )
    return wrong


def jobs_wait(place: Inspection) -> list[str]:
    """Its jobs wait, at no cost of an attempt, and are done when it is on again."""
    ran: list[str] = []
    kept = dict(jobs.registry._jobs)
    declared = {job.kind: job for job in place.plugin.jobs}
    house = place.house
    for kind, job in declared.items():
        jobs.registry._jobs[kind] = jobs.Job(kind, lambda _payload, kind=kind: ran.append(kind), job.every)  # type: ignore[misc]
    try:
        with place.off():
            with house.at(house.riverside):
                for kind in declared:
                    jobs.enqueue(kind)
            house.work()
            wrong = [f"the job {kind} runs while it is off" for kind in sorted(set(ran))]
        with house.at(house.riverside) as session:
            for row in session.query(JobRow).filter(JobRow.kind.in_(declared)).all():
                if row.attempts:
                    wrong.append(f"waiting costs the job {row.kind} an attempt")
                row.due_at = db.utcnow()
        house.work()
    finally:
        jobs.registry._jobs.clear()
        jobs.registry._jobs.update(kept)
    return wrong + [f"the job {kind} does not run again" for kind in sorted(set(declared) - set(ran))]


def socket_events(place: Inspection) -> list[str]:
    """Its socket events are not heard."""
    bus = bus_of(place.app)
    known = {event.name for event in bus.events}
    wrong = [f"{e.name} is not registered" for e in place.plugin.socket_events if e.name not in known]
    with place.off():
        if bus._allowed(place.name, place.house.riverside):
            wrong.append("its socket events are heard while it is off")
        if not bus._allowed(place.name, place.house.lumiere):
            wrong.append("its socket events are not heard in a practice where it is on")
    return wrong


def static_files(place: Inspection) -> list[str]:
    """Its static files are not served."""
    files, somebody = surfaces.static_files(place.plugin), place.visitor(None)

    def not_answering(slug: str, code: int) -> list[str]:
        urls = [f"/s/{slug}/{place.name}/{file}" for file in files]
        return [f"{url} does not answer {code}" for url in urls if somebody.get(url).status_code != code]

    wrong = not_answering("riverside", 200)
    with place.off():
        return wrong + not_answering("riverside", 404) + not_answering("lumiere", 200)


GATES: Final[tuple[Gate, ...]] = (
    routes,
    pages,
    links_of_patients,
    hooks,
    panels,
    words,
    templates,
    jobs_wait,
    socket_events,
    static_files,
)
