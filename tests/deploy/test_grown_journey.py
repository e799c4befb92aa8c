"""The core journey in the grown size, through nginx, while its parts are killed under the people's hands."""

from __future__ import annotations

import os
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from tests.deploy.grown import Redis, Served
from tests.journeys import acting, photos
from tests.journeys.people import People, Person
from tests.support.browser import Watch, Windows
from tests.support.running import eventually

pytestmark = [pytest.mark.browser, pytest.mark.postgresql, pytest.mark.redis, pytest.mark.timeout(240)]


def _ask_by_page(clinician: Page, person: Person) -> None:
    clinician.goto(f"{person.path}")
    clinician.get_by_role("link", name="Send photo request").first.click()
    clinician.get_by_role("button", name="Send photo request").click()
    expect(acting.photo_panel(clinician)).to_contain_text("Asked by Amira Khan")


def test_from_asking_to_keeping(windows: Windows, people: People, careroom: Served) -> None:
    person = people.new()
    clinician, phone = windows.clinician("amira"), windows.phone()
    _ask_by_page(clinician, person)
    eventually(
        lambda: [m.state for m in acting.messages_to(careroom, person)] == ["delivered"], what="the message"
    )
    acting.mark(clinician)

    acting.open_link(phone, acting.newest_link(careroom, person), person)
    expect(acting.photo_panel(clinician)).to_contain_text("Opened")  # live, by way of two processes
    sent = photos.jpeg(1), photos.heavy(2, 1.4)
    acting.send_photos(phone, *sent)
    expect(acting.photo_panel(clinician)).to_contain_text("2 photos to review")
    expect(acting.photo_panel(clinician).locator("img")).to_have_count(2, timeout=30_000)
    acting.expect_no_reload(clinician)
    assert [f.sha256 for f in acting.files_of(careroom, person)] == [
        acting.fingerprint(file) for file in sent
    ]

    clinician.get_by_role("link", name="Review photos").click()
    clinician.get_by_role("button", name="Keep in the record").click()
    eventually(lambda: sorted(acting.states(careroom, person)) == ["kept", "ready"], what="the photo kept")


def test_killed_web_processes_are_a_reconnect_and_no_more(
    windows: Windows, people: People, careroom: Served, watch: Watch
) -> None:
    """Each of the two is killed while a photo is under way; the sockets and the upload go on at the other."""
    person = people.new()
    clinician, phone = windows.clinician("amira"), windows.phone()
    clinician.goto(person.path)
    acting.ask_for_photos(careroom, person)
    expect(acting.photo_panel(clinician)).to_contain_text("Asked by")
    acting.mark(clinician)
    acting.open_link(phone, acting.newest_link(careroom, person), person)
    valve = acting.Valve(phone)
    files = photos.heavy(1, 1.4), photos.jpeg(2)
    acting.choose(phone, *files)
    expect(acting.chosen_photos(phone)).to_have_count(2)
    with watch.failing_network():
        acting.agree_and_send(phone)
        valve.let(2)
        valve.wait()
        first, second = careroom.children("core.server")
        os.kill(first, signal.SIGKILL)
        valve.let(1)  # is sent to whom nginx finds
        eventually(lambda: first not in careroom.children("core.server"), what="the first death")
        careroom.wait_until_ready()
        os.kill(second, signal.SIGKILL)
        valve.open()
        acting.expect_confirmation(phone)
        expect(acting.photo_panel(clinician)).to_contain_text("2 photos to review", timeout=30_000)
        expect(acting.photo_panel(clinician).locator("img")).to_have_count(2, timeout=30_000)
        careroom.wait_until_ready()
    acting.expect_no_reload(clinician)
    assert [f.sha256 for f in acting.files_of(careroom, person)] == [
        acting.fingerprint(file) for file in files
    ]
    assert len(acting.consents_of(careroom, acting.requests_of(careroom, person)[0].id)) == 1


def test_a_killed_worker_and_a_stopped_redis_lose_nothing(
    windows: Windows, people: People, careroom: Served, redis: Redis, watch: Watch
) -> None:
    person = people.new()
    clinician, phone = windows.clinician("amira"), windows.phone()
    clinician.goto(person.path)
    acting.mark(clinician)
    redis.stop()
    try:
        acting.ask_for_photos(careroom, person)
        expect(acting.photo_panel(clinician)).to_contain_text(
            "Asked by"
        )  # without wakes: the pump looks by itself
        (worker,) = careroom.children("core.cli")
        os.kill(worker, signal.SIGKILL)
        acting.open_link(phone, acting.newest_link(careroom, person), person)
        acting.send_photos(phone, photos.jpeg(3))
        expect(acting.photo_panel(clinician)).to_contain_text("1 photo to review", timeout=30_000)
    finally:
        redis.start()
    expect(acting.photo_panel(clinician).locator("img")).to_have_count(1, timeout=40_000)
    acting.expect_no_reload(clinician)
    # And by way of Redis again: a second photo is seen at once.
    phone.get_by_role("link", name="Add more photos").click()
    acting.send_photos(phone, photos.jpeg(4))
    expect(acting.photo_panel(clinician)).to_contain_text("2 photos to review")


def test_while_every_process_is_replaced_no_page_fails(windows: Windows, careroom: Served) -> None:
    """SIGHUP after an upgrade of the code: people who read pages do not notice."""
    clinician = windows.clinician("amira", ignore_https_errors=True)

    def now() -> set[int]:
        return {*careroom.children("core.server"), *careroom.children("core.cli")}

    old, pages, end = now(), 0, time.monotonic() + 170
    assert careroom.supervisor is not None
    careroom.supervisor.send_signal(signal.SIGHUP)
    while old & now():
        assert time.monotonic() < end, careroom.log("serve")
        answer = clinician.request.get("/p/riverside/", timeout=30_000)
        assert answer.status == 200
        assert "Riverside Surgery" in answer.text()
        pages += 1
    assert pages >= 3
    careroom.wait_until_ready()
    assert len(now()) == 3
