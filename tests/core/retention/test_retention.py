"""Data goes when a practice keeps it no longer: previewed exactly, in batches, of this practice alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from core import audit, db, files, jobs, links, notifications, patients, realtime, retention, tenancy
from core.files import store, uploads
from core.files.models import File, Rendition, Upload
from core.jobs.models import JobRow
from core.jobs.service import running_for
from core.links import Link
from core.notifications.models import InboxItem, Notification
from core.plugin_system import activation
from core.realtime.models import Event
from core.retention import Kind, NotAllowed, core_kinds, kinds, service
from core.tenancy import platform
from plugins.photo_request import service as photo_requests
from tests.core.files import pictures_of
from tests.support.house import House

pytestmark = pytest.mark.both_databases


@pytest.fixture
def here(house: House) -> UUID:
    return house.riverside


def preview(practice: UUID, **changes: int | None) -> dict[str, int]:
    with tenancy.practice_scope(practice, write=False):
        shown = retention.preview({f"core.{name}": days for name, days in changes.items()})
        return {line.kind.name.removeprefix("core."): line.count for line in shown}


def choose(practice: UUID, name: str, days: int | None) -> None:
    with tenancy.practice_scope(practice):
        retention.choose(retention.find(name), days)


def applied(practice: UUID) -> dict[str, int]:
    with running_for(practice):
        return retention.apply()


def older(practice: UUID, model: Any, days: int, *columns: str) -> None:
    moment = db.utcnow() - timedelta(days=days)
    with db.scope(practice) as session:
        session.execute(update(model).values(dict.fromkeys(columns, moment)))


def number(practice: UUID, model: Any) -> int:
    with db.scope(practice, write=False) as session:
        return session.scalar(select(func.count(model.id))) or 0


def sent_message(house: House, practice: UUID, family_name: str) -> UUID:
    with house.at(practice, write=False):
        patient_id = house.patient_id(practice, family_name)
    with house.at(practice), audit.use_actor(audit.Actor("staff", "1", "Amira Khan")):
        request = photo_requests.request_photos(patients.get(patient_id), channels=["email"])
        return notifications.about(request.id)[0].id


def test_old_messages_lose_their_words_and_their_address_but_not_that_they_were_sent(
    house: House, here: UUID
) -> None:
    message_id = sent_message(house, here, "Whitfield")
    other = sent_message(house, house.lumiere, "Benali")
    house.work()
    for practice in (here, house.lumiere):
        older(practice, Notification, 366, "updated_at")
    assert preview(here)["message_bodies"] == 1
    assert applied(here)["core.message_bodies"] == 1
    assert preview(here)["message_bodies"] == 0
    with db.scope(here, write=False):
        message = db.get(Notification, message_id)
        assert message is not None
        assert (message.state, message.recipient, message.subject, message.html) == (
            "delivered",
            "",
            None,
            None,
        )
        assert "Riverside" not in message.body
        assert not message.can_be_retried
    with db.scope(house.lumiere, write=False):
        untouched = db.get(Notification, other)
        assert untouched is not None
        assert "@" in untouched.recipient


def test_a_message_that_waits_is_kept_however_old(house: House, here: UUID) -> None:
    sent_message(house, here, "Whitfield")
    older(here, Notification, 5_000, "updated_at")
    assert preview(here)["message_bodies"] == 0
    assert "core.message_bodies" not in applied(here)


def test_uploads_go_with_their_parts_and_photos_stay(here: UUID) -> None:
    photo, place = pictures_of.jpeg(), uploads.Place(here, "photo_request", uuid4())
    for length in (len(photo), len(photo) + 1):
        id = uuid4()
        uploads.create(place, id, length, {}, lambda *_: None)
        uploads.append(place, id, 0, photo, lambda *_: None)
    assert number(here, Upload) == 2
    older(here, Upload, 2, "updated_at")
    assert preview(here)["unfinished_uploads"] == 1
    assert applied(here)["core.unfinished_uploads"] == 1
    assert len(list(store.listing())) == 1
    older(here, Upload, 31, "updated_at")
    assert applied(here)["core.upload_records"] == 1
    assert number(here, Upload) == 0
    assert number(here, File) == 1


def test_a_photo_that_was_never_prepared_stays_unless_the_practice_says_otherwise(here: UUID) -> None:
    with db.scope(here, write=False):
        file_id = files.receive(io.BytesIO(pictures_of.jpeg()), owner="photo_request", name="x.jpg").id
    older(here, File, 1_000, "created_at")
    assert preview(here)["originals"] == 0
    assert preview(here, originals=40)["originals"] == 1, "a preview of what is not chosen yet"
    assert "core.originals" not in applied(here)
    choose(here, "core.originals", 40)
    assert applied(here)["core.originals"] == 1
    with db.scope(here, write=False):
        assert (files.get(file_id).state, files.get(file_id).reject_reason) == ("rejected", "lost")
    assert list(store.listing()) == []
    assert number(here, Rendition) == 0


def test_events_jobs_and_notices_go(house: House, here: UUID) -> None:
    sent_message(house, here, "Whitfield")
    with db.scope(here):
        jobs.enqueue("core.drop_blobs", key="an old one", blobs=[])
        notifications.inbox.notify("Something", url="/", permission="core.view_patients")
    house.work()
    older(here, Event, 8, "created_at")
    older(here, JobRow, 8, "finished_at")
    older(here, InboxItem, 200, "created_at")
    would = preview(here)
    assert would["events"] == number(here, Event) > 0
    assert would["finished_jobs"] >= 1
    assert would["inbox"] == 1
    applied(here)
    after = preview(here)
    assert (after["events"], after["finished_jobs"], after["inbox"]) == (0, 0, 0)
    assert number(here, InboxItem) == 0
    with db.scope(here, write=False):  # whoever was away is told to reload, and numbers go on
        assert realtime.catch_up(0, ["core.x"]).reset


def test_links_that_ended_go_when_chosen_and_those_that_are_needed_stay(house: House, here: UUID) -> None:
    patient_id = house.patient_id(here, "Whitfield")
    spoken_of = db.uuid7()
    with db.scope(here):
        used, off, ran_out, noticed, lately = [
            links.issue("photo_request.photos", patient_id, subject).link.id
            for subject in (db.uuid7(), db.uuid7(), db.uuid7(), spoken_of, db.uuid7())
        ]
        links.complete(used)
        for one in (off, noticed, lately):
            links.cancel(one)
        notifications.inbox.notify(
            "Somebody", url="/", permission="core.work", subject=("photo_request.request", spoken_of)
        )
    with db.scope(here) as session:
        long_ago = db.utcnow() - timedelta(days=400)
        session.execute(
            update(Link).where(Link.id != lately).values(updated_at=long_ago, expires_at=long_ago)
        )
    assert preview(here)["ended_links"] == 0, "for ever, unless the practice says otherwise"
    assert preview(here, ended_links=365) == {**preview(here), "ended_links": 2}
    assert "core.ended_links" not in applied(here)
    choose(here, "core.ended_links", 365)
    assert applied(here)["core.ended_links"] == 2
    with db.scope(here, write=False) as session:
        assert set(session.scalars(select(Link.id).where(Link.patient_id == patient_id))) >= {
            ran_out, noticed, lately,
        }  # fmt: skip
        assert db.get(Link, used) is None
        assert db.get(Link, off) is None
    with pytest.raises(NotAllowed):
        choose(here, "core.ended_links", 364)


def test_what_stays_says_why_and_by_whose_law() -> None:
    assert len(retention.KEPT) == 4
    for one in retention.KEPT:
        assert str(one.description).endswith(".")
        assert set(one.law) in (set(), set(platform.PRESETS))


def test_a_choice_within_its_limits_is_kept_and_noted(here: UUID) -> None:
    for name, days in (("core.message_bodies", 6), ("core.unfinished_uploads", 2), ("core.events", None)):
        with pytest.raises(NotAllowed):
            choose(here, name, days)
    choose(here, "core.message_bodies", 30)
    with tenancy.practice_scope(here, write=False) as session:
        assert retention.days_of(retention.find("core.message_bodies")) == 30
        entries = [
            entry.detail
            for entry in session.scalars(select(audit.AuditEntry))
            if entry.action == "retention.changed"
        ]
    assert entries == [{"kind": "core.message_bodies", "before": "365", "days": "30"}]
    choose(here, "core.message_bodies", 365)
    with tenancy.practice_scope(here, write=False):
        assert tenancy.current().profile["retention"] == {}
        tenancy.current().profile = {"retention": {"core.message_bodies": "nonsense"}}
        assert retention.days_of(retention.find("core.message_bodies")) == 365
        db.rollback()


@pytest.fixture
def things() -> Iterator[list[int]]:
    """A kind of a plugin, with 450 things to remove."""
    left = [450]

    def count(before: datetime) -> int:
        return left[0]

    def remove(before: datetime, limit: int) -> int:
        assert db.is_write()
        removed = min(limit, left[0])
        left[0] -= removed
        return removed

    retention.register([Kind("photo_request.things", "Things", "Things that go.", 10, count, remove)])
    yield left
    kinds._kinds.pop("photo_request.things")


def test_what_a_plugin_declares_goes_in_batches_and_only_where_it_is_on(
    here: UUID, things: list[int]
) -> None:
    assert applied(here) == {"photo_request.things": 450}
    assert things == [0]
    things[0] = 7
    with tenancy.practice_scope(here):
        activation.disable("photo_request")
    with tenancy.practice_scope(here, write=False):
        assert [line.kind.owner for line in retention.preview()].count("photo_request") == 0
    assert applied(here) == {}
    assert things == [7]


def test_a_kind_that_fails_keeps_no_other_back(
    here: UUID, things: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(before: datetime, limit: int) -> int:
        raise RuntimeError("a plugin's mistake")

    retention.register([Kind("core.broken", "Broken", "It breaks.", 10, lambda before: 1, fails)])
    try:
        assert applied(here) == {"photo_request.things": 450}
    finally:
        kinds._kinds.pop("core.broken")


def test_each_practice_has_the_daily_job(house: House, here: UUID) -> None:
    jobs.plant()
    with db.scope(here) as session:
        row = session.scalars(select(JobRow).where(JobRow.kind == service.APPLY)).one()
        row.due_at = db.utcnow()
    house.work()
    with db.scope(here, write=False) as session:
        row = session.scalars(select(JobRow).where(JobRow.kind == service.APPLY)).one()
        assert (row.state, row.last_error) == ("queued", None)
        assert row.due_at > db.utcnow() + timedelta(hours=23)


def test_every_kind_says_what_it_is(house: House) -> None:
    names = [kind.name for kind in retention.registered() if kind.owner == "core"]
    assert names == sorted(kind.name for kind in core_kinds.KINDS)
    for kind in retention.registered():
        assert str(kind.title)
        assert str(kind.description).endswith(".")
    with pytest.raises(retention.BadKind):
        Kind("nameless", "x", "x", 1, len, max)  # type: ignore[arg-type]
    with pytest.raises(retention.BadKind):
        Kind("core.x", "x", "x", None, len, max, most_days=9)  # type: ignore[arg-type]
