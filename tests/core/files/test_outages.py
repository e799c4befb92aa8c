"""A worker that is killed, a full disk, a store that is away, a machine short of memory: no photo is lost."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import db, files, jobs
from core.files import pictures, rendering, service, store
from core.files.s3 import S3Writer
from core.jobs.service import running_for
from tests.core.files.received import events_of, file_of, received

pytestmark = [pytest.mark.both_databases, pytest.mark.both_stores]

Blobs = Callable[[], list[Any]]


class Killed(BaseException):
    """Stands for a kill -9: nothing after it runs."""


@pytest.mark.parametrize(
    "moment", ["before rendering", "after one picture", "before the commit", "after the commit"]
)
def test_killed_at_any_moment_it_is_finished_by_the_next_run(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    file_id = received(practice, photo)

    def die(*args: object, **options: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "before rendering":
            patch.setattr(pictures, "render", die)
        elif moment == "after one picture":
            write, written = service.write_blob, []

            def write_one(*args: object) -> None:
                if written:
                    raise Killed
                written.append(1)
                write(*args)  # type: ignore[arg-type]  # as it was called, whatever that was

            patch.setattr(service, "write_blob", write_one)
        elif moment == "before the commit":
            patch.setattr(rendering, "publish", die)
        else:
            patch.setattr(store, "delete", lambda name: None)
        with running_for(practice), contextlib.suppress(Killed):
            rendering.render_picture({"file_id": str(file_id)})
    assert file_of(practice, file_id).state == ("ready" if moment == "after the commit" else "received")
    jobs.run_due()
    assert file_of(practice, file_id).state == "ready"
    assert events_of(practice, file_id) == ["ready"]
    files.sweep_orphans(older_than=timedelta(0))
    assert len(blobs()) == 2
    with db.scope(practice, write=False):
        assert files.open(file_id, "large").read(2) == b"\xff\xd8"


def test_a_full_disk_is_said_and_leaves_nothing_half_written(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(S3Writer, "_complete", full)
    with db.scope(practice, write=False), pytest.raises(files.StoreUnavailable) as failure:
        files.receive(io.BytesIO(photo), owner="p", name="x.jpg")
    assert failure.value.status == 503
    assert failure.value.message == files.refusal_text("unavailable")
    assert blobs() == []


def due_now(practice: UUID) -> None:
    with db.scope(practice) as session:
        for row in session.scalars(select(jobs.JobRow).where(jobs.JobRow.state == "queued")):
            row.due_at = db.utcnow()


def test_a_store_that_is_away_for_hours_costs_no_photo(
    practice: UUID, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = received(practice, photo)
    with monkeypatch.context() as patch:
        for broken in ("open_blob", "write_blob"):

            def away(*args: object) -> None:
                raise files.StoreUnavailable("the network is away")

            patch.setattr(service, broken, away)
            for _ in range(12):  # more often than a job may fail
                due_now(practice)
                jobs.run_due()
            patch.undo()
    assert file_of(practice, file_id).state == "received"
    due_now(practice)
    jobs.run_due()
    assert file_of(practice, file_id).state == "ready"


def test_a_machine_that_kills_the_renderer_costs_no_photo_unless_it_always_does(
    practice: UUID, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(content: bytes, media_type: str) -> None:
        raise pictures.ChildKilled("ended")

    spared = received(practice, photo)
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "render", killed)
        for _ in range(3):
            jobs.run_due()
            due_now(practice)
    jobs.run_due()
    assert file_of(practice, spared).state == "ready"
    always = received(practice, photo)
    monkeypatch.setattr(pictures, "render", killed)
    for _ in range(10):
        jobs.run_due()
        due_now(practice)
    file = file_of(practice, always)
    assert (file.state, file.reject_reason) == ("rejected", "too_complex")
