"""S3 itself: long objects, ranges, a store that is away, and the three modes of the web process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from uuid import UUID, uuid4

import pytest

from core import settings
from core.files import s3, store
from core.files.errors import FileMissing, StoreUnavailable
from core.files.s3 import PART, WINDOW, S3Reader, S3Writer
from core.settings import Settings
from tests.support.s3 import Bucket
from tests.support.servers import free_port

ROOT = Path(__file__).parents[3]


@pytest.fixture
def somewhere(bucket: Bucket, tmp_path: Path) -> Settings:
    return settings.configure(Settings(environment="test", data_dir=tmp_path, blob_url=bucket.url))


def put(content: bytes, *, step: int = 64 * 1024) -> str:
    name = store.new_name(uuid4())
    store.put(name, (content[i : i + step] for i in range(0, len(content), step)))
    return name


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART + 17])
def test_any_length_comes_back_as_it_was(somewhere: Settings, bucket: Bucket, size: int) -> None:
    content = os.urandom(size)
    with store.get(put(content)) as blob:
        assert blob.read() == content
    assert bucket.unfinished() == []


def test_any_range_is_read(somewhere: Settings) -> None:
    content = os.urandom(WINDOW * 2 + 999)
    with store.get(put(content)) as blob:
        for start, size in (
            (0, 10),
            (WINDOW - 5, 10),
            (WINDOW * 2, 5_000),
            (WINDOW * 2 + 999, 5),
            (7, WINDOW * 2),
        ):
            blob.seek(start)
            assert blob.read(size) == content[start : start + size]
        assert blob.seek(-10, io.SEEK_END) == len(content) - 10
        assert blob.read() == content[-10:]
        with pytest.raises(ValueError, match="before the start"):
            blob.seek(-1)


@pytest.mark.parametrize("size", [1_000, PART * 2])
def test_what_breaks_off_leaves_neither_object_nor_parts(
    somewhere: Settings, bucket: Bucket, size: int
) -> None:
    def breaking() -> object:
        yield os.urandom(size)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put(store.new_name(uuid4()), breaking())  # type: ignore[arg-type]
    assert bucket.objects() == []
    assert bucket.unfinished() == []


def test_a_writer_that_nobody_closed_stores_nothing(somewhere: Settings, bucket: Bucket) -> None:
    writer = S3Writer(bucket.server.client, bucket.name, "photos/x")
    writer.write(b"half")
    del writer
    assert bucket.objects() == []


def test_what_is_not_there_is_missing_and_can_be_removed_again(somewhere: Settings) -> None:
    name = put(b"x")
    assert store.exists(name)
    store.delete(name)
    store.delete(name)
    assert not store.exists(name)
    with pytest.raises(FileMissing):
        store.get(name)


def test_the_listing_goes_on_after_a_page(
    somewhere: Settings, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_A_PAGE", 10)
    practice = UUID(int=7)
    wanted = {f"{practice.hex}/{i % 256:02x}/{i:030x}" for i in range(25)}
    for name in wanted:
        bucket.server.client.put_object(Bucket=bucket.name, Key=f"photos/{name}", Body=b"x")
    bucket.server.client.put_object(Bucket=bucket.name, Key="photos-of-others/ab/c", Body=b"x")
    found = dict(store.listing())
    assert set(found) == wanted
    assert all(datetime.now(UTC) - moment < timedelta(minutes=5) for moment in found.values())


def test_a_store_that_is_away_is_said_within_its_time_limits(
    somewhere: Settings, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(b"x")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    store._opened.cache_clear()
    for use in (lambda: store.put(name, [b"x"]), lambda: store.get(name)):
        with pytest.raises(StoreUnavailable):
            use()
    store._opened.cache_clear()


def test_a_bucket_that_is_not_there_is_no_missing_photo(
    somewhere: Settings, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(somewhere, "blob_url", f"s3://{bucket.name}-elsewhere")
    with pytest.raises(StoreUnavailable):
        store.get("a/b/c")


def test_fewer_bytes_than_the_store_told_are_an_error(somewhere: Settings, bucket: Bucket) -> None:
    name = put(os.urandom(WINDOW + 10))
    reader = S3Reader(bucket.server.client, bucket.name, f"photos/{name}")
    (object_,) = bucket.objects()
    object_.write_bytes(b"short")
    reader.seek(WINDOW)
    with pytest.raises(OSError, match="fewer bytes"):
        reader.read()


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_in_every_mode_of_the_web_process_many_use_the_store_and_the_hub_goes_on(
    bucket: Bucket, tmp_path: Path, mode: str
) -> None:
    script = f"""
        from core.server import make_green
        make_green({mode!r})
        import threading, time
        from pathlib import Path
        from uuid import uuid4
        from core import settings
        from core.files import store
        settings.configure(
            settings.Settings(environment="test", data_dir=Path({str(tmp_path)!r}), blob_url={bucket.url!r})
        )
        store.exists("warm/up/0")
        failed, worst, stop = [], [0.0], []
        def use():
            try:
                for _ in range(10):
                    name = store.new_name(uuid4())
                    store.put(name, [b"z" * 100_000] * 3)
                    with store.get(name) as blob:
                        assert blob.read() == b"z" * 300_000
                    store.delete(name)
            except BaseException as error:
                failed.append(repr(error))
                raise
        def tick():
            last = time.monotonic()
            while not stop:
                time.sleep(0.005)
                now = time.monotonic()
                worst[0] = max(worst[0], now - last)
                last = now
        ticking = threading.Thread(target=tick)
        ticking.start()
        users = [threading.Thread(target=use) for _ in range(8)]
        began = time.monotonic()
        for user in users: user.start()
        for user in users: user.join()
        took = time.monotonic() - began
        stop.append(1)
        ticking.join()
        assert not failed, failed
        # A client that blocked would hold the hub from the first request to the last, however busy the machine is.
        assert worst[0] < took / 2, (worst, took)
        print("done")
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "done", done.stderr[-2000:]
