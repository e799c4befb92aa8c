"""/metrics tells how the house does, and nothing of anybody; request ids go through to the worker."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from core import audit, db, settings
from core.app import create_app
from core.demo import PEOPLE
from core.jobs.models import JobRow
from core.notifications import Notification
from core.realtime.sockets import bus_of
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos

LINE = re.compile(r"(?P<name>\w+)(\{(?P<labels>.*)\})? (?P<value>\S+)")


def samples(text: str) -> dict[str, float]:
    """name{labels} -> value"""
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line and not line.startswith("#")
    }


def read(visitor: Visitor) -> dict[str, float]:
    answer = visitor.get("/metrics")
    assert answer.status_code == 200
    return samples(answer.get_data(as_text=True))


def test_a_request_is_counted_by_its_endpoint_and_never_by_its_path(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    helen = visitor()
    helen.sign_in("helen")
    patient_id = house.patient_id(house.riverside, "Whitfield")
    name = 'careroom_requests_total{endpoint="patients.show",method="GET",status="200"}'
    before = read(helen).get(name, 0)
    assert helen.get(f"/p/riverside/patients/{patient_id}").status_code == 200
    helen.get("/wp-admin/Margaret.Whitfield")
    text = helen.get("/metrics").get_data(as_text=True)
    found = samples(text)
    assert found[name] == before + 1
    assert found['careroom_requests_total{endpoint="unknown",method="GET",status="404"}'] >= 1
    assert found['careroom_request_seconds_count{endpoint="patients.show",method="GET"}'] >= 1
    assert str(patient_id) not in text
    assert "Whitfield" not in text
    assert "wp-admin" not in text


def test_no_label_holds_a_persons_data_or_an_id(house: House, visitor: Callable[[], Visitor]) -> None:
    ids = a_request_with_photos(house, house.riverside)
    helen = visitor()
    helen.sign_in("helen")
    helen.get(f"/p/riverside/patients/{ids['patient_id']}")
    text = helen.get("/metrics").get_data(as_text=True)
    for people in PEOPLE.values():
        for given, family, _born, _sex, mobile, email, _language in people:
            for secret in (given, family, mobile, email):
                assert not secret or not re.search(rf"\b{re.escape(secret)}\b", text), secret
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text), "no id"
    assert "riverside" not in text, "nor a practice"


def test_queues_events_deliveries_jobs_pictures_and_hooks_are_seen(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    with house.at(house.riverside):
        from core import jobs

        jobs.enqueue("photo_request.no_such_kind")
    a_request_with_photos(house, house.riverside)
    helen = visitor()
    helen.sign_in("helen")
    helen.get("/p/riverside/")
    found = read(helen)
    assert found['careroom_queue_items{kind="photo_request.no_such_kind",queue="job",state="queued"}'] == 1
    assert found["careroom_events_published_total"] > 0
    assert found["careroom_database_up"] == 1
    assert found['careroom_deliveries_total{channel="sms",result="taken"}'] >= 1
    assert found['careroom_delivery_seconds_count{channel="sms"}'] >= 1
    assert found['careroom_job_seconds_count{kind="core.render_picture",result="done"}'] >= 2
    assert found['careroom_picture_seconds_count{result="ready"}'] >= 2
    assert found['careroom_breaker_state{kind="channel",name="sms"}'] == 0
    assert any(name.startswith('careroom_hook_seconds_count{hook="navigation"') for name in found)


def test_queues_are_looked_at_once_in_a_while_however_many_ask(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    from core.observability.gauges import FRESH_SECONDS, Gauges

    now = [100.0]
    gauges = Gauges(clock=lambda: now[0])

    def queued() -> float:
        family = next(metric for metric in gauges.collect() if metric.name == "careroom_queue_items")
        return sum(one.value for one in family.samples if one.labels["kind"] == "core.slow")

    with house.at(house.riverside) as session:
        session.add(JobRow(kind="core.slow", payload={}))
    assert queued() == 1
    with house.at(house.riverside) as session:
        session.add(JobRow(kind="core.slow", payload={}))
    assert queued() == 1
    now[0] += FRESH_SECONDS
    assert queued() == 2


def test_what_the_bus_drops_is_counted(app: Flask, visitor: Callable[[], Visitor]) -> None:
    bus_of(app).drops["huge"] += 3
    found = read(visitor())
    assert found['careroom_socket_drops_total{reason="huge"}'] == 3
    assert found["careroom_sockets_connected"] == 0


def test_the_hubs_lag_is_measured_from_the_first_look_on(visitor: Callable[[], Visitor]) -> None:
    import time

    someone = visitor()
    before = read(someone)["careroom_hub_lag_seconds_count"]
    end = time.monotonic() + 5
    while read(someone)["careroom_hub_lag_seconds_count"] == before:
        assert time.monotonic() < end
        time.sleep(0.05)


# --- who may read it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_without_a_token_only_this_machine_reads_it_and_not_through_a_proxy(
    visitor: Callable[[], Visitor], header: str
) -> None:
    someone = visitor()
    assert someone.get("/metrics").status_code == 200
    assert someone.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404
    assert someone.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_with_a_token_whoever_shows_it_reads_it(house: House) -> None:
    app = create_app(house.settings.model_copy(update={"metrics_token": SecretStr("t0ken")}))
    client = app.test_client()
    try:
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
        answer = client.get(
            "/metrics",
            headers={"Authorization": "Bearer t0ken"},
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        )
        assert answer.status_code == 200
    finally:
        settings.configure(house.settings)


# --- request ids ---------------------------------------------------------------------------------------------------


def test_every_answer_names_its_request(visitor: Callable[[], Visitor]) -> None:
    someone = visitor()
    first, second = someone.get("/login"), someone.get("/no-such-page")
    assert re.fullmatch(r"[0-9a-f]{32}", first.headers["X-Request-ID"])
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    strange = someone.get("/login", headers={"X-Request-ID": "chosen-by-a-stranger"})
    assert strange.headers["X-Request-ID"] != "chosen-by-a-stranger", "nobody is trusted here"


@pytest.mark.parametrize(
    ("given", "taken"), [("f" * 32, True), ("short", False), ("x" * 65, False), ("a b" * 5, False)]
)
def test_the_proxys_id_is_taken_when_it_looks_like_one(house: House, given: str, taken: bool) -> None:
    client = create_app(house.settings.model_copy(update={"trusted_proxies": 1})).test_client()
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is taken
    settings.configure(house.settings)


@pytest.mark.both_databases
def test_jobs_and_messages_carry_the_id_of_the_request_that_asked_for_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import jobs
    from core.jobs import Job, registry

    seen: list[str | None] = []
    jobs.register(Job("core.look", lambda payload: seen.append(audit.request_id())))
    try:
        audit.set_origin(request_id="r" * 32)
        with house.at(house.riverside):
            jobs.enqueue("core.look")
        a_request_with_photos(house, house.riverside)
        audit.clear_context()
        house.work()
    finally:
        registry._jobs.pop("core.look", None)
    assert seen == ["r" * 32]
    assert audit.request_id() is None
    with house.at(house.riverside, write=False) as session:
        assert set(session.scalars(select(Notification.request_id))) == {"r" * 32}
        trail = session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.request_id == "r" * 32)).all()
        assert trail
    assert not db.in_scope()
