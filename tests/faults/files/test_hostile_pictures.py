"""Mutated pictures by the thousand: one clear message each, or a clean picture; the processes live on and stay small.

CAREROOM_LONG=1 tries ten thousand, else four hundred. CAREROOM_SEED chooses others.
"""

from __future__ import annotations

import gc
import io
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core import db, files, jobs, settings, tenancy
from core.files import headers, pictures, rendering, sniff, store
from core.files.errors import REASONS, FileRefused, PictureFailed
from core.files.models import File
from core.settings import Settings
from tests.core.files import pictures_of
from tests.faults.files import hostile, mutations

LONG = os.environ.get("CAREROOM_LONG") == "1"
PICTURES = 10_000 if LONG else 400
FIRST = int(os.environ.get("CAREROOM_SEED", "0"))
SAMPLES = [pictures_of.jpeg(), pictures_of.png(), pictures_of.webp(), pictures_of.heic()]


@pytest.fixture
def renderer() -> Iterator[pictures.Renderer]:
    made = pictures.Renderer()
    yield made
    made.close()


def resident(pid: int | None) -> float:
    """Megabytes that a process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def outcome_of(
    content: bytes, renderer: pictures.Renderer
) -> tuple[str, tuple[pictures.Picture, ...], float]:
    """What becomes of a picture, the clean ones if so, and the seconds that the web process looked at it.

    Any error but the two kinds of refusal, each with its message, goes up and fails the test.
    """
    begun = time.perf_counter()
    try:
        looked = sniff.sniff_bytes(content)
    except FileRefused as refusal:
        if refusal.message != str(REASONS[refusal.reason]):
            raise
        return f"web: {refusal.reason}", (), time.perf_counter() - begun
    seconds = time.perf_counter() - begun
    if looked.width * looked.height > 50_000_000:
        raise OverflowError("more pixels than are allowed")
    try:
        return "clean", renderer.render(content, looked.media_type), seconds
    except PictureFailed as failure:
        if failure.reason not in REASONS:
            raise
        return f"worker: {failure.reason}", (), seconds


def test_the_samples_carry_what_must_not_survive_and_are_taken(renderer: pictures.Renderer) -> None:
    """Else the search below would find nothing because there was nothing."""
    for sample in hostile.samples():
        looked = sniff.sniff_bytes(sample.content)
        for picture in renderer.render(sample.content, looked.media_type):
            assert hostile.carried_along(picture.content) == [], sample.format
    loaded = [sample for sample in hostile.samples() if hostile.MARK in sample.content]
    assert {sample.format for sample in loaded} == {"jpeg", "png", "webp", "heic"}
    marks = hostile.samples()[0].content
    for kind in (b"description", b"gps", b"maker note", b"thumbnail", b"xmp", b"iptc", b"icc", b"comment"):
        assert hostile.MARK + b" " + kind in marks


@pytest.mark.timeout(3_600 if LONG else 180)
def test_hostile_pictures_end_in_a_message_or_in_a_clean_picture(renderer: pictures.Renderer) -> None:
    for sample in SAMPLES * 5:
        renderer.render(sample, sniff.sniff_bytes(sample).media_type)
    gc.collect()
    ours, childs, handles = (
        resident(os.getpid()),
        resident(renderer.child_pid()),
        open_handles(),
    )
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for seed in range(FIRST, FIRST + PICTURES):
        name, content = mutations.picture(seed)
        outcome, made, seconds = outcome_of(content, renderer)
        slowest = max(slowest, seconds)
        for picture in made:
            assert hostile.carried_along(picture.content) == [], name
        outcomes[outcome] += 1
    print(dict(outcomes.most_common()), f"slowest look {slowest * 1000:.0f} ms")
    assert sum(outcomes.values()) == PICTURES
    assert outcomes["clean"] > PICTURES // 20
    assert sum(count for outcome, count in outcomes.items() if outcome.startswith("worker")) > PICTURES // 20
    assert slowest < 2, "the look at a file holds up everybody in the web process"
    # The child answers the next patient as before, and is as small as before.
    for sample in SAMPLES:
        renderer.render(sample, sniff.sniff_bytes(sample).media_type)
    gc.collect()
    grown = resident(os.getpid()) - ours, resident(renderer.child_pid()) - childs
    print(f"memory grew by {grown[0]:.1f} MB here and {grown[1]:.1f} MB in the child")
    assert grown[0] < 25
    assert grown[1] < 25
    assert open_handles() <= handles


@pytest.fixture
def practice(make_settings: object, database_url: str) -> Iterator[UUID]:
    chosen: Settings = settings.configure(make_settings())  # type: ignore[operator]
    db.configure(chosen)
    jobs.clear()
    jobs.register(*files.JOBS)
    rendering.forget_listeners()
    with db.scope():
        practice_id = tenancy.create_practice("hillside", "Hillside Practice").id
    yield practice_id
    jobs.clear()
    db.dispose()


def test_from_reception_to_the_worker_each_one_is_refused_ready_or_rejected(practice: UUID) -> None:
    refused = 0
    for seed in range(FIRST + 7, FIRST + 7 + PICTURES * 5, 37 if LONG else 50):
        _name, content = mutations.picture(seed)
        try:
            with db.scope(practice, write=False):
                files.receive(io.BytesIO(content), owner="photo_request", name="x")
        except FileRefused:
            refused += 1
    jobs.run_due(100_000)
    with db.scope(practice, write=False) as session:
        found = Counter(file.state for file in session.scalars(select(File)))
        reasons = set(session.scalars(select(File.reject_reason).where(File.state == "rejected")))
        waiting = session.scalars(select(jobs.JobRow.state).where(jobs.JobRow.kind == files.RENDER)).all()
    assert set(found) == {"ready", "rejected"}
    assert refused
    assert reasons <= set(REASONS)
    assert set(waiting) == {"done"}
    assert len(list(store.listing())) == 2 * found["ready"]


def test_hundreds_of_thousands_of_segments_are_given_up_quickly() -> None:
    """Each reader of headers is bounded in time, whatever the length of the file."""
    megabytes = 15 * 1024 * 1024
    shapes = {
        "jpeg of empty segments": b"\xff\xd8" + b"\xff\xe0\0\2" * (megabytes // 4),
        "jpeg of fill bytes": b"\xff\xd8" + b"\xff" * megabytes,
        "png of empty chunks": hostile.samples()[4].content[:33] + (b"\0\0\0\0teXt\0\0\0\0") * (megabytes // 12),
        "webp of empty chunks": b"RIFF" + (megabytes + 22).to_bytes(4, "little") + b"WEBPVP8X\x0a\0\0\0" + bytes(10)
        + b"JUNK\0\0\0\0" * (megabytes // 8),
        "heic of empty boxes": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + b"\0\0\0\x08free" * (megabytes // 8),
    }  # fmt: skip
    for name, content in shapes.items():
        begun = time.process_time()
        with pytest.raises(FileRefused):
            sniff.sniff_bytes(content)
        assert time.process_time() - begun < 1.5, name
    assert headers._MOST_PARTS <= 100_000
