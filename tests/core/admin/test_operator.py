"""The operator's console: closed to everybody else, without anybody's data, and what its buttons do."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from core import db, metrics, notifications, patients, tenancy
from core.audit import AuditEntry, PlatformAuditEntry
from core.jobs.models import JobRow
from core.notifications import Notification, staff
from core.plugin_system import activation
from core.security.models import Invitation
from tests.support.counting import counted
from tests.support.faulty import photo_requests_failed
from tests.support.house import House, Visitor
from tests.support.pages import text

PEOPLE = ("amira", "grace", "helen")
NEW = {
    "name": "Hillside Practice",
    "slug": "hillside",
    "country": "FR",
    "email": "paul@hillside.example.com",
    "given_names": "Paul",
    "family_name": "Marchand",
}


def practice_page(house: House) -> str:
    return f"/operator/practices/{house.riverside}"


def given_up(house: House) -> UUID:
    """A text to Margaret Whitfield that could not be sent."""
    margaret = house.patient_id(house.riverside, "Whitfield")
    template = notifications.templates.registered()[0]
    with house.at(house.riverside):
        filled = dict.fromkeys(template.variables, "x")
        (row,) = notifications.send(
            template.name, patient=patients.get(margaret), channels=["sms"], variables=filled, key=None
        )
        row.state, row.last_error = "dead", "recipient_invalid"
        return row.id


# --- who comes in ------------------------------------------------------------------------------------------------


def test_every_page_of_the_console_is_nobody_elses(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("operator")]
    assert len(rules) >= 14
    for name in PEOPLE:
        browser = visitor()
        browser.sign_in(name)
        for rule in rules:
            url = rule.rule.replace("<uuid:practice_id>", str(house.riverside)).replace(
                "<name>", "photo_request"
            )
            url = url.replace("<queue>", "messages").replace("<uuid:item_id>", str(house.riverside))
            answer = browser.post(url) if "POST" in (rule.methods or ()) else browser.get(url)
            assert answer.status_code == 404, f"{name} at {url}"


def test_who_is_not_signed_in_is_asked_to(visitor: Callable[[], Visitor]) -> None:
    assert visitor().get("/operator").headers["Location"] == "/login?next=/operator"


def test_an_operator_without_a_practice_starts_there(olga: Visitor) -> None:
    assert olga.get("/").headers["Location"] == "/operator"
    assert olga.get("/p/riverside/").status_code == 404


# --- what is shown -----------------------------------------------------------------------------------------------


def test_practices_queues_and_worker_are_shown(olga: Visitor, house: House) -> None:
    page = text(olga.get("/operator"))
    for said in ("Riverside Surgery", "United Kingdom", "No worker is running", "Every plugin works"):
        assert said in page
    house.work()
    assert "Migrations" in text(olga.get("/operator/system"))


def test_what_was_given_up_names_no_patient_and_is_retried(olga: Visitor, house: House) -> None:
    id = given_up(house)
    answer = olga.get("/operator/given-up")
    page = text(answer)
    assert "The provider says that this number or address does not exist" in page
    assert "Riverside Surgery" in page
    for personal in ("Whitfield", "Margaret", "900101", "7700"):
        assert personal not in answer.get_data(as_text=True)
    url = f"/operator/given-up/messages/{house.riverside}/{id}"
    assert olga.post(url).status_code == 303
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Notification, (house.riverside, id)).state == "queued"
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "notification.retried")).one()
        assert entry.actor_name == "Olga Berg"


def test_a_job_that_was_given_up_is_done_again_without_its_error_being_shown(
    olga: Visitor, house: House
) -> None:
    with house.at(house.riverside) as session:
        row = JobRow(kind="core.render_picture", payload={"file_id": "x"}, state="dead", attempts=8)
        row.last_error = "ValueError: Margaret Whitfield"
        session.add(row)
        session.flush()
        id = row.id
    answer = olga.get("/operator/given-up")
    assert "core.render_picture" in text(answer)
    assert "ValueError" in text(answer)
    assert "Whitfield" not in text(answer)
    assert olga.post(f"/operator/given-up/jobs/{house.riverside}/{id}").status_code == 303
    with house.at(house.riverside, write=False) as session:
        again = session.get_one(JobRow, (house.riverside, id))
        assert (again.state, again.attempts, again.last_error) == ("queued", 0, None)


@pytest.mark.parametrize("queue", ["messages", "jobs", "nothing"])
def test_what_is_not_there_cannot_be_retried(olga: Visitor, house: House, queue: str) -> None:
    assert olga.post(f"/operator/given-up/{queue}/{house.riverside}/{house.lumiere}").status_code == 404


# --- practices ---------------------------------------------------------------------------------------------------


def test_a_practice_is_made_with_its_countrys_preset_and_its_administrator_invited(olga: Visitor) -> None:
    answer = olga.post("/operator/practices", NEW)
    assert answer.status_code == 303
    assert "was invited by e-mail" in text(olga.get(answer.headers["Location"]))
    with db.scope(write=False, across_practices=True) as session:
        made = session.scalars(select(tenancy.Practice).where(tenancy.Practice.slug == "hillside")).one()
        assert (made.language, made.time_zone, made.country) == ("fr-FR", "Europe/Paris", "FR")
        invited = session.scalars(select(Invitation).where(Invitation.practice_id == made.id)).one()
        assert (invited.email, invited.role) == ("paul@hillside.example.com", "practice_admin")
        entry = session.scalars(
            select(PlatformAuditEntry).where(PlatformAuditEntry.action == "practice.created")
        ).one()
        assert (entry.subject_id, entry.actor_name) == (made.id, "Olga Berg")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "riverside"}, "Another practice has this short name"),
        ({"slug": "Hill side"}, "Use 1 to 40"),
        ({"slug": ""}, "Use 1 to 40"),
        ({"name": " "}, "Enter the name of the practice"),
        ({"name": "x" * 121}, "at most 120"),
        ({"country": "XX"}, "Choose a country"),
        ({"email": ""}, "e-mail address"),
        ({"email": "paul@hillside"}, "This is not an e-mail address"),
        ({"email": "paul"}, "This is not an e-mail address"),
        ({"given_names": "x" * 65}, "use at most 64 characters"),
    ],
)
def test_wrong_values_are_named_and_nothing_typed_is_lost(
    olga: Visitor, wrong: dict[str, str], said: str
) -> None:
    answer = olga.post("/operator/practices", {**NEW, **wrong})
    assert answer.status_code == 422
    assert said in text(answer)
    assert 'value="Marchand"' in answer.get_data(as_text=True)
    assert "Hillside" not in text(olga.get("/operator")), "no practice that nobody can enter"


@pytest.mark.both_databases
def test_a_practice_whose_administrator_cannot_be_invited_is_not_made(
    olga: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff, "write_to", lambda *_args, **_more: None)  # too many messages to this address
    answer = olga.post("/operator/practices", NEW)
    assert answer.status_code == 422
    assert "Nothing can be sent to paul@hillside.example.com" in text(answer)
    assert "Hillside" not in text(olga.get("/operator"))


@pytest.mark.both_databases
def test_another_administrator_is_invited_and_an_expired_invitation_sent_again(
    olga: Visitor, house: House
) -> None:
    url = f"{practice_page(house)}/administrators"
    person = {"email": "new@riverside", "given_names": "Nina", "family_name": "Okoye"}
    wrong = olga.post(url, person)
    assert wrong.status_code == 422
    assert "This is not an e-mail address" in text(wrong)
    assert 'value="Okoye"' in wrong.get_data(as_text=True)
    person["email"] = "nina@riverside.example.com"
    assert olga.post(url, person).status_code == 303
    assert "nina@riverside.example.com Invited until" in text(olga.get(practice_page(house)))
    with house.at(house.riverside) as session:
        made = session.scalars(select(Invitation)).one()
        assert made.role == "practice_admin"
        made.expires_at = db.utcnow()
        session.add(
            Invitation(
                email="c@riverside.example.com", given_names="C", family_name="D", role="clinician",
                token_hash="x", expires_at=db.utcnow(), invited_by="4", invited_by_name="Helen Price",
            )
        )  # fmt: skip
        session.flush()
        clinician = session.scalars(select(Invitation.id).where(Invitation.role == "clinician")).one()
    page = text(olga.get(practice_page(house)))
    assert "nina@riverside.example.com The invitation has expired" in page
    assert "c@riverside.example.com" not in page, "whom a practice invites to its work is its own affair"
    assert olga.post(f"{url}/{clinician}").status_code == 404
    assert olga.post(f"{url}/{made.id}").status_code == 303
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Invitation, (house.riverside, made.id)).state == "pending"
        sent = select(Notification.id).where(Notification.recipient == "nina@riverside.example.com")
        assert len(session.scalars(sent).all()) == 2
    olga.post(f"{practice_page(house)}/status", {"status": "suspended"})
    assert olga.post(url, {**person, "email": "x@riverside.example.com"}).status_code == 422


def test_a_suspended_practice_is_told_so_and_works_again(
    olga: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    amira, nadia = visitor(), visitor()
    amira.sign_in("amira")
    nadia.sign_in("nadia")
    assert olga.post(f"{practice_page(house)}/status", {"status": "suspended"}).status_code == 303
    paused = amira.get("/p/riverside/patients")
    assert (paused.status_code, "This practice is paused" in text(paused)) == (403, True)
    assert nadia.get("/p/riverside/patients").status_code == 404
    assert nadia.get("/p/lumiere/").status_code == 200
    olga.post(f"{practice_page(house)}/status", {"status": "active"})
    assert amira.get("/p/riverside/patients").status_code == 200
    with db.scope(write=False) as session:
        told = session.scalars(
            select(PlatformAuditEntry.action).where(PlatformAuditEntry.action.startswith("practice."))
        )
        assert list(told) == ["practice.suspended", "practice.resumed"]


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_an_erased_practice_stays_erased(olga: Visitor, house: House, status: str) -> None:
    with house.at(house.riverside):
        tenancy.current().status = "erased"
    page = olga.get(practice_page(house))
    assert "Erased" in text(page)
    assert "Erased" in text(olga.get("/operator"))
    html = page.get_data(as_text=True)
    assert not any(f"/{path}" in html for path in ("status", "plugins/photo_request"))
    answer = olga.post(f"{practice_page(house)}/status", {"status": status})
    assert "This practice is erased" in text(olga.get(answer.headers["Location"]))
    for rule in ("", "allow", "deny", "force"):
        answer = olga.post(f"{practice_page(house)}/plugins/photo_request", {"rule": rule})
        assert "This practice is erased" in text(olga.get(answer.headers["Location"]))
    with house.at(house.riverside, write=False):
        assert tenancy.current().status == "erased"
        actions = db.session().scalars(select(PlatformAuditEntry.action)).all()
    assert not {"practice.suspended", "practice.resumed"} & set(actions)


@pytest.mark.parametrize(("rule", "on"), [("deny", False), ("force", True), ("", True)])
def test_the_operators_word_on_a_plugin_holds(olga: Visitor, house: House, rule: str, on: bool) -> None:
    url = f"{practice_page(house)}/plugins/photo_request"
    assert olga.post(url, {"rule": rule}).status_code == 303
    with house.at(house.riverside, write=False):
        assert activation.state("photo_request").on is on
    with house.at(house.lumiere, write=False):
        assert activation.state("photo_request").on


@pytest.mark.parametrize(("name", "rule"), [("nothing", "deny"), ("photo_request", "maybe")])
def test_a_wrong_word_or_plugin_is_not_found(olga: Visitor, house: House, name: str, rule: str) -> None:
    assert olga.post(f"{practice_page(house)}/plugins/{name}", {"rule": rule}).status_code == 404


def test_messages_of_a_suspended_practice_wait_and_the_page_says_so(olga: Visitor, house: House) -> None:
    with house.at(house.riverside):
        staff.write_to("new@example.com", staff.SIGN_IN_PAUSED, {"name": "A", "when": "now"})
    olga.post(f"{practice_page(house)}/status", {"status": "suspended"})
    house.work()
    assert "1 message waits and goes when" in text(olga.get(practice_page(house)))
    olga.post(f"{practice_page(house)}/status", {"status": "active"})
    assert "waits and goes" not in text(olga.get(practice_page(house)))
    house.work()
    with house.at(house.riverside, write=False) as session:
        [sent] = session.scalars(select(Notification).where(Notification.recipient == "new@example.com"))
        assert sent.state == "delivered"


# --- many practices, and how the plugins do ------------------------------------------------------------------------


def more_practices(count: int) -> None:
    with db.scope():
        for number in range(count):
            made = tenancy.create_practice(f"village-{number:03}", f"Village {number:03}", country="GB")
            made.status = "suspended" if number % 2 else "active"


@pytest.mark.both_databases
def test_practices_are_found_sorted_and_paged(house: House, olga: Visitor) -> None:
    more_practices(60)
    first = text(olga.get("/operator"))
    assert "62 practices" in first
    assert "Page 1 of 2" in first
    assert "Village 059" in text(olga.get("/operator?page=2"))
    assert "Village 059" not in first
    found = text(olga.get("/operator?q=VILLAGE+03&state=suspended"))
    assert "6 practices" in found
    assert "Village 031" in found
    assert "Village 030" not in found
    assert "Riverside" in text(olga.get("/operator?q=riverside")), "by its short name"
    newest = text(olga.get("/operator?order=newest"))
    assert newest.index("Village 059") < newest.index("Village 058")
    assert "No practice fits" in text(olga.get("/operator?q=100%25"))
    assert olga.get("/operator?state=nonsense").status_code == 404


def test_the_console_asks_no_more_for_thirty_practices_than_for_one(house: House, olga: Visitor) -> None:
    def statements() -> int:
        olga.get("/operator")
        with counted() as sent:
            assert olga.get("/operator").status_code == 200
        return len(sent)

    few = statements()
    more_practices(30)
    assert statements() == few


def test_the_times_of_plugins_are_on_the_screen(house: House, olga: Visitor) -> None:
    watch = metrics.HOOKS.of("timeline_entries", "photo_request")
    watch.count, watch.seconds, watch.longest, watch.buckets = 0, 0.0, 0.0, [0] * len(watch.buckets)
    for seconds in (0.002,) * 98 + (0.2, 0.75):
        watch.add(seconds)
    with house.at(house.riverside) as session:
        photo_requests_failed(session)
    page = text(olga.get("/operator/plugins"))
    assert "Photo requests Version 1.0.0 · on in 2 of 2 practices Paused in 1 practice" in page
    assert "timeline_entries 100 11 ms 5 ms 250 ms 750 ms 0" in page
    assert "Panels 0 – – – – 7" in page or re.search(r"Panels [0-9]+ .* 7 ", page)
    assert "Where they fail" in page
    assert "Photo requests Riverside Surgery 7" in page
    assert "Times and faults" in text(olga.get("/operator"))
