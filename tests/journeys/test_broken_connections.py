"""Step 4 on a poor network: whatever breaks while photos are sent, each of them arrives, and none arrives twice."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys import acting, photos
from tests.journeys.people import People, Person
from tests.journeys.photos import Chosen
from tests.support.browser import Watch
from tests.support.running import Careroom

PART = 256 * 1024


def _sending(phone: Page, people: People, careroom: Careroom, *files: Chosen) -> tuple[Person, acting.Valve]:
    """A patient whose photos have begun to be sent; nothing has been let through."""
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    valve = acting.Valve(phone)
    acting.choose(phone, *files)
    expect(acting.chosen_photos(phone)).to_have_count(len(files))
    acting.agree_and_send(phone)
    return person, valve


def _expect_each_once(careroom: Careroom, person: Person, *files: Chosen) -> None:
    arrived = [file.sha256 for file in acting.files_of(careroom, person)]
    assert arrived == [acting.fingerprint(file) for file in files]
    (request,) = acting.requests_of(careroom, person)
    assert request.photo_count == len(files)
    assert len(acting.consents_of(careroom, request.id)) == 1


def test_a_network_that_goes_away_is_waited_for_and_the_sending_goes_on_where_it_stopped(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    files = photos.heavy(1, 1.4), photos.heavy(2, 0.6)
    person, valve = _sending(phone, people, careroom, *files)
    valve.let(3)
    valve.wait()
    with watch.failing_network():
        phone.context.set_offline(True)
        valve.drop()
        expect(phone.locator("#waiting")).to_be_visible(timeout=30_000)
        expect(phone.locator("#waiting")).to_contain_text("Waiting for the network")
        expect(phone.locator("#waiting")).to_contain_text("Nothing is lost.")
        assert acting.photos_of(careroom, person) == []
        valve.open()
        seen = len(valve.offsets)
        phone.context.set_offline(False)
        acting.expect_confirmation(phone)
    assert valve.offsets[seen] == 3 * PART  # what had arrived was not sent again
    _expect_each_once(careroom, person, *files)


def test_an_answer_that_is_lost_brings_no_photo_twice(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    files = photos.heavy(1, 0.4), photos.jpeg(2)
    lost: list[str] = []

    def lose_the_answer(route: acting.Route) -> None:
        """The server has the part; the phone hears nothing of it. Once for each kind of request."""
        method = route.request.method
        if method in lost:
            route.continue_()
            return
        lost.append(method)
        route.fetch()
        route.abort("connectionreset")

    with watch.failing_network():
        phone.route("**/agree", lose_the_answer)
        phone.route("**/uploads**", lose_the_answer)
        person = people.new()
        acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
        acting.choose(phone, *files)
        expect(acting.chosen_photos(phone)).to_have_count(2)
        acting.agree_and_send(phone)
        acting.expect_confirmation(phone)
    assert {"POST", "PATCH"} <= set(lost)
    arrived = [file.sha256 for file in acting.files_of(careroom, person)]
    assert arrived == [acting.fingerprint(file) for file in files]
    assert acting.requests_of(careroom, person)[0].photo_count == 2


def test_a_reload_before_sending_keeps_the_chosen_photos_and_their_comments(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    files = photos.jpeg(1), photos.jpeg(2)
    acting.choose(phone, *files)
    expect(acting.chosen_photos(phone)).to_have_count(2)
    phone.get_by_role("button", name="Add comment (Photo 1)").click()
    phone.get_by_label("Your comment on Photo 1").fill("Since Tuesday")
    acting.wait_until_kept(phone, "Since Tuesday")
    phone.reload()
    expect(acting.chosen_photos(phone)).to_have_count(2)
    expect(phone.get_by_label("Your comment on Photo 1")).to_have_value("Since Tuesday")
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)
    _expect_each_once(careroom, person, *files)
    assert acting.photos_of(careroom, person)[0].patient_comment == "Since Tuesday"


def test_a_reload_in_the_middle_of_the_sending_goes_on_by_itself(
    phone: Page, people: People, careroom: Careroom
) -> None:
    files = photos.heavy(1, 1.2), photos.jpeg(2)
    person, valve = _sending(phone, people, careroom, *files)
    valve.let(2)
    valve.wait()
    seen = len(valve.offsets)
    valve.open_after_reload()
    phone.reload()
    acting.expect_confirmation(phone)
    assert valve.offsets[seen] == 2 * PART
    _expect_each_once(careroom, person, *files)


def test_a_phone_that_was_closed_goes_on_when_the_link_is_opened_again(
    phone: Page, people: People, careroom: Careroom
) -> None:
    files = photos.heavy(1, 0.7), photos.jpeg(2)
    person, valve = _sending(phone, people, careroom, *files)
    valve.let(1)
    valve.wait()
    again = phone.context.new_page()
    phone.close()
    acting.open_link(again, acting.newest_link(careroom, person), person)
    acting.expect_confirmation(again)
    _expect_each_once(careroom, person, *files)


def test_a_phone_that_was_closed_between_two_photos_says_that_some_are_missing(
    phone: Page, people: People, careroom: Careroom
) -> None:
    files = photos.jpeg(1), photos.jpeg(2)
    person, valve = _sending(phone, people, careroom, *files)
    valve.let(1)
    expect(phone.locator("[data-sending-words]")).to_have_text("1 of 2 sent")
    again = phone.context.new_page()
    phone.close()
    acting.open_link(again, acting.newest_link(careroom, person), person)
    expect(again.locator("#unsent")).to_contain_text("Some photos have not been sent yet")
    again.get_by_role("link", name="Go on sending").click()
    expect(again.locator("#arrived .photo")).to_have_count(2)
    _expect_each_once(careroom, person, *files)


def test_a_web_process_that_crashes_in_the_middle_loses_nothing(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    files = photos.heavy(1, 1.4), photos.jpeg(2)
    person, valve = _sending(phone, people, careroom, *files)
    valve.let(3)
    valve.wait()
    with watch.failing_network():
        careroom.kill_web()
        seen = len(valve.offsets)
        valve.open()
        careroom.start_web()
        acting.expect_confirmation(phone)
    assert valve.offsets[seen] == 3 * PART
    _expect_each_once(careroom, person, *files)


def test_without_a_worker_photos_arrive_and_are_prepared_when_it_is_back(
    clinician: Page, phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    clinician.goto(person.path)
    acting.mark(clinician)
    careroom.kill_worker()
    try:
        acting.send_photos(phone, photos.jpeg(1))
        expect(phone.locator("#arrived")).to_contain_text("Arrived. It is being prepared.")
        waiting = acting.photo_panel(clinician).get_by_role("img", name="being prepared")
        expect(waiting).to_be_visible()
        assert acting.states(careroom, person) == ["received"]
    finally:
        careroom.start_worker()
    expect(acting.photo_panel(clinician).get_by_role("img", name="Photo 1 of 1", exact=True)).to_be_visible(
        timeout=30_000
    )
    expect(waiting).to_have_count(0)
    acting.expect_no_reload(clinician)
    expect(phone.locator("#arrived img")).to_have_count(1, timeout=30_000)
