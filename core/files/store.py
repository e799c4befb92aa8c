"""The blob store: fsspec, so a folder in the embedded size and S3 in the grown one.

Blobs are immutable and their names random: a name tells nothing about a person. On a local disk a blob is
durable when :func:`put` returns: written under a temporary name, fsynced, renamed, and its folder fsynced.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import fsspec
from fsspec.implementations.local import LocalFileSystem

from core import settings
from core.files import elsewhere
from core.files.errors import FileMissing, StoreUnavailable

_TEMPORARY: Final = ".part"


def new_name(practice_id: UUID) -> str:
    """A fresh random blob name. The practice's id leads, so that a practice can be listed or removed whole."""
    random = secrets.token_hex(16)
    return f"{practice_id.hex}/{random[:2]}/{random[2:]}"


def put(name: str, pieces: Iterable[bytes]) -> None:
    """Store a blob. It is whole and durable on return, or not there at all. Raises StoreUnavailable."""
    system, root = _store()
    try:
        if isinstance(system, LocalFileSystem):
            _put_local(Path(root, name), pieces)
        else:
            _put_remote(system, f"{root}/{name}", pieces)
    except OSError as error:
        raise StoreUnavailable(f"the blob store took nothing: {type(error).__name__}") from error


def _put_remote(system: fsspec.AbstractFileSystem, path: str, pieces: Iterable[bytes]) -> None:
    """Object stores show an object only when its upload is complete; one that breaks off is given up."""
    blob = system.open(path, "wb")
    try:
        for piece in pieces:
            blob.write(piece)
        blob.close()
    except BaseException:
        # Closing would complete what there is; only our S3 files and fsspec's own ones know another way out.
        with contextlib.suppress(OSError, NotImplementedError):
            blob.discard()
        with contextlib.suppress(AttributeError):
            blob.closed = True
        with contextlib.suppress(OSError):
            system.rm_file(path)  # some show an object from its first byte
        raise


def _put_local(path: Path, pieces: Iterable[bytes]) -> None:
    made = [folder for folder in list(path.parents)[:3] if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}{_TEMPORARY}")
    try:
        with temporary.open("xb") as blob:
            temporary.chmod(0o600)
            for piece in pieces:
                blob.write(piece)
            blob.flush()
            # A name is durable only when its folder is, and a new folder only when the one above it is.
            folders = dict.fromkeys((path.parent, *(folder.parent for folder in made)))
            elsewhere.do(_settle, blob.fileno(), temporary, path, tuple(folders))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _settle(handle: int, temporary: Path, path: Path, folders: tuple[Path, ...]) -> None:
    """The waiting part of storing: what was written reaches the disk, then its name does."""
    os.fsync(handle)
    temporary.rename(path)
    for folder in folders:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def get(name: str) -> BinaryIO:
    """The blob's raw bytes, seekable. Raises FileMissing, StoreUnavailable."""
    system, root = _store()
    try:
        return cast("BinaryIO", system.open(f"{root}/{name}", "rb"))
    except FileNotFoundError:
        raise FileMissing("the blob is not in the store") from None
    except OSError as error:
        raise StoreUnavailable(f"the blob store gave nothing: {type(error).__name__}") from error


def delete(name: str) -> None:
    """Remove a blob; one that is not there is no error. Raises StoreUnavailable."""
    system, root = _store()
    try:
        system.rm_file(f"{root}/{name}")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreUnavailable(f"the blob store removed nothing: {type(error).__name__}") from error


def exists(name: str) -> bool:
    """Is there a blob of this name?"""
    system, root = _store()
    return bool(system.exists(f"{root}/{name}"))


def listing() -> Iterator[tuple[str, datetime]]:
    """Every blob's name and when it was stored; leftovers of writes that were cut off are listed too."""
    system, root = _store()
    for entry in _entries(system, root):
        yield system._strip_protocol(entry["name"])[len(root) :].lstrip("/"), _stored_at(entry)


def _entries(system: fsspec.AbstractFileSystem, root: str) -> Iterator[dict[str, Any]]:
    if hasattr(system, "objects_below"):
        yield from system.objects_below(root)
        return
    if not system.exists(root):
        return
    for practice in _folders(system, root):
        for folder in _folders(system, practice):
            system.invalidate_cache()
            yield from (e for e in system.ls(folder, detail=True) if e["type"] == "file")


def _folders(system: fsspec.AbstractFileSystem, path: str) -> list[str]:
    entries = system.ls(path, detail=True)
    return [system._strip_protocol(e["name"]) for e in entries if e["type"] == "directory"]


def _stored_at(entry: dict[str, Any]) -> datetime:
    """File systems tell the time as seconds (local), or as a datetime under one of these names (S3, memory)."""
    for field in ("mtime", "LastModified", "last_modified", "created"):
        moment = entry.get(field)
        if isinstance(moment, datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(moment, (int, float)):
            return datetime.fromtimestamp(moment, UTC)
    return datetime.now(UTC)  # unknown: young, so that nothing is swept by mistake


def _store() -> tuple[fsspec.AbstractFileSystem, str]:
    return _opened(settings.current().blob_url, os.getpid())


@functools.lru_cache(maxsize=8)
def _opened(url: str, process: int) -> tuple[fsspec.AbstractFileSystem, str]:
    """Once a URL and process: a client of S3 takes a tenth of a second to make, and must not outlive a fork."""
    if url.startswith(("s3://", "s3a://")):
        from core.files.s3 import S3FileSystem  # brings boto3, which the embedded size does without

        fsspec.register_implementation("s3", S3FileSystem, clobber=True)
        fsspec.register_implementation("s3a", S3FileSystem, clobber=True)
    system, root = fsspec.url_to_fs(url)
    return system, str(root).rstrip("/")
