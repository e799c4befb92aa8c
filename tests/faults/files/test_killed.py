"""kill -9 at random points of upload and processing: what was acknowledged is there, and nothing that nobody knows.

CAREROOM_LONG=1 kills a thousand times, else twenty times. CAREROOM_SEED chooses other points.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select

from core import audit, db, files, notifications, tenancy
from core.files import integrity, store, uploads
from core.files.models import File, Rendition, Upload
from core.jobs import JobRow
from core.patients import Patient
from plugins.photo_request import service
from plugins.photo_request.models import READY, Photo
from tests.core.files import pictures_of
from tests.faults.files.installation import Installation, installed
from tests.faults.files.phone import Phone, sending
from tests.plugins.photo_request.conftest import AMIRA
from tests.support.databases import SqliteTemplate
from tests.support.running import eventually

LONG = os.environ.get("CAREROOM_LONG") == "1"
POINTS = 1_000 if LONG else 20
SEED = int(os.environ.get("CAREROOM_SEED", "20250301"))
# What dies, as often as it is named here. "both": as when the machine loses power, but for its disk's cache.
VICTIMS = ("web", "web", "worker", "worker", "both", "renderer")


@pytest.fixture
def installation(seeded_sqlite_template: SqliteTemplate, tmp_path: Path) -> Iterator[Installation]:
    with (
        seeded_sqlite_template.copy(tmp_path) as url,
        installed(
            url, tmp_path, messages_per_recipient_hour=100_000, messages_per_recipient_day=100_000
        ) as made,
    ):
        yield made


def practice_of(slug: str) -> UUID:
    with db.scope(write=False):
        return tenancy.find_by_slug(slug).id


def phones(installation: Installation, practice: UUID, stop: threading.Event) -> Iterator[Phone]:
    """A new request for photos each time, of one patient after the other."""
    with tenancy.practice_scope(practice, write=False) as session:
        patients = session.scalars(
            select(Patient).where(Patient.email.is_not(None)).order_by(Patient.id)
        ).all()
    number = 0
    while True:
        chosen = patients[number % len(patients)]
        number += 1
        with tenancy.practice_scope(practice), audit.use_actor(AMIRA):
            patient = db.session().get_one(Patient, (practice, chosen.id))
            request = service.request_photos(patient, channels=["email"])
            body = notifications.about(request.id)[0].body
            path = next(word for word in body.split() if "/l/" in word).removeprefix(installation.url)
            born = patient.birth_date
        yield Phone(installation.url, path, (born.day, born.month, born.year), stop)


def samples(dice: random.Random) -> list[bytes]:
    """A few photos of some dozen kilobytes, no two alike."""
    base = pictures_of.scene(480, 360)
    made = []
    for _ in range(6):
        picture = base.copy()
        picture.paste(
            Image.new("RGB", (40, 40), tuple(dice.randbytes(3))), (dice.randrange(400), dice.randrange(300))
        )
        made.append(pictures_of.jpeg(picture))
    return made


def kill_and_start(installation: Installation, victim: str) -> None:
    if victim == "renderer":
        installation.kill_renderer()
        return
    if victim in ("web", "both"):
        installation.kill_web()
    if victim in ("worker", "both"):
        installation.kill_worker()
    if victim in ("web", "both"):
        installation.start_web()
    if victim in ("worker", "both"):
        installation.start_worker()


def end_dead_leases(practice: UUID) -> None:
    """What the last dead worker had in hand would come again in a minute: let it come now."""
    with db.scope(practice) as session:
        for row in session.scalars(select(JobRow).where(JobRow.state.in_(("running", "queued")))):
            row.lease_until = row.due_at = db.utcnow() - timedelta(seconds=1)


def waiting(practice: UUID) -> bool:
    with db.scope(practice, write=False) as session:
        return session.scalar(select(File.id).where(File.state == "received").limit(1)) is not None or bool(
            session.scalar(
                select(JobRow.id)
                .where(JobRow.kind == "core.file_processed", JobRow.state.in_(("queued", "running")))
                .limit(1)
            )
        )


@pytest.mark.timeout(7_200 if LONG else 300)
def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_left_behind(installation: Installation) -> None:
    dice = random.Random(SEED)
    practice, stop = practice_of("riverside"), threading.Event()
    pictures = samples(dice)
    installation.start_web()
    installation.start_worker()
    installation.wait_for_web()
    people = phones(installation, practice, stop)
    lock = threading.Lock()

    def some() -> list[bytes]:
        with lock:
            return dice.sample(pictures, dice.randint(2, 5))

    with sending(people, some, at_once=3, chunk=20_000, stop=stop) as used:
        for _ in range(POINTS):
            victim = dice.choice(VICTIMS)
            time.sleep(dice.uniform(0.0, 0.7))
            kill_and_start(installation, victim)
            if victim in ("web", "both"):
                installation.wait_for_web()
        time.sleep(1)
    installation.kill_worker()
    end_dead_leases(practice)
    installation.start_worker()
    eventually(lambda: not waiting(practice), 90, "the processing of what was received")
    installation.kill_web()
    installation.kill_worker()

    assert [failure for phone in used for failure in phone.failures] == []
    acknowledged = {id: digest for phone in used for id, digest in phone.acknowledged.items()}
    assert len(acknowledged) >= POINTS // 4, "the phones got hardly anything through: the test shows nothing"
    with db.scope(practice, write=False) as session:
        made = {upload.id: upload.file_id for upload in session.scalars(select(Upload)) if upload.file_id}
        known = {file.id: file for file in session.scalars(select(File))}
        states = {photo.file_id: photo.state for photo in session.scalars(select(Photo)) if photo.file_id}
    lost = [id for id in acknowledged if id not in made or made[id] not in known]
    assert lost == []
    assert sorted(made.values(), key=str) == sorted(known, key=str), "a photo is there twice, or of no upload"
    for id, digest in acknowledged.items():
        file = known[made[id]]
        assert (file.sha256, file.state, states[file.id]) == (digest, "ready", READY)
    assert list(integrity.check(practice)) == []

    # What was never finished is given up; then the store holds two pictures a photo and nothing else.
    with db.scope(practice) as session:
        for upload in session.scalars(select(Upload).where(Upload.state == "open")):
            upload.expires_at = db.utcnow() - timedelta(seconds=1)
    uploads.sweep_expired({})
    swept = files.sweep_orphans(older_than=timedelta(0))
    with db.scope(practice, write=False) as session:
        blobs = set(session.scalars(select(Rendition.blob)))
    assert {name for name, _moment in store.listing()} == blobs
    assert len(blobs) == 2 * len(known)
    assert files.sweep_orphans(older_than=timedelta(0)) == 0
    print(f"{POINTS} kills, {len(acknowledged)} acknowledged, {len(known)} photos, {swept} orphans swept")
