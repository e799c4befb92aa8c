"""One archive of everything that an installation holds, and the way back: `careroom backup`, `careroom restore`.

A tar: ``blobs/...`` as they lie in the store (encrypted), ``database`` (a copy of one moment) and ``manifest.json``
(versions, revisions, a checksum of each member). The blobs are copied after the database, so each that a row names
is there; one that was removed meanwhile asks for another copy of the database. The master key is never in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import structlog

from core import db
from core.db import copies, migrate
from core.files import FileMissing, keys, store
from core.settings import Settings

FORMAT: Final = 1
_DATABASE, _MANIFEST, _BLOBS = "database", "manifest.json", "blobs/"
_BLOB_NAME: Final = re.compile(r"[0-9a-f]{32}/[0-9a-f]{2}/[0-9a-f]{30}")
_COPIES: Final = 5
_PIECE: Final = 1024 * 1024

log = structlog.get_logger(__name__)


class BackupRefused(RuntimeError):
    """Nothing was written, and the message says why."""


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself. members: sha256 by name. missing: blobs of rows that the store had lost."""

    format: int
    careroom: str
    made_at: str
    database: str
    heads: list[str]
    master_keys: list[str]
    """Fingerprints of the keys that wrap the practices' data keys; not the keys."""
    members: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def blobs(self) -> int:
        return sum(name.startswith(_BLOBS) for name in self.members)


def save(target: Path, chosen: Settings) -> Manifest:
    """Write an archive; it is there, whole and durable, on return, or not at all. Raises BackupRefused, CopyFailed."""
    if target.exists():
        raise BackupRefused(f"{target} is there already")
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("xb") as file:
            part.chmod(0o600)
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                manifest = _fill(archive, chosen, part.parent)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    log.info("backup.made", blobs=manifest.blobs, missing=len(manifest.missing), bytes=target.stat().st_size)
    return manifest


def _fill(archive: tarfile.TarFile, chosen: Settings, folder: Path) -> Manifest:
    members: dict[str, str] = {}
    gone: set[str] = set()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".careroom-backup-") as name:
        for attempt in range(_COPIES):
            copied = Path(name, str(attempt))
            made_at = db.utcnow().isoformat()
            copy = copies.save(copied, chosen, copies.columns_named("blob", "master_key"))
            wanted = _of(copy, "blob")
            before, gone = gone, set()
            for blob in sorted(wanted):
                if f"{_BLOBS}{blob}" not in members and not _add_blob(archive, blob, members):
                    gone.add(blob)
            # A blob that two copies name and the store has in neither case is lost; others were just tidied away.
            if gone <= before:
                break
            copied.unlink()
        with copied.open("rb") as file:
            members[_DATABASE] = _add(archive, _DATABASE, file)
    manifest = Manifest(
        FORMAT, version("careroom"), made_at, copy.kind, sorted(copy.heads), sorted(_of(copy, "master_key")),
        members, sorted(gone),
    )  # fmt: skip
    _add(archive, _MANIFEST, BytesIO(json.dumps(asdict(manifest), indent=1).encode()))
    return manifest


def _of(copy: copies.Copy, ending: str) -> set[str]:
    return {value for name, values in copy.values.items() if name.endswith(ending) for value in values}


def _add_blob(archive: tarfile.TarFile, blob: str, members: dict[str, str]) -> bool:
    try:
        with store.get(blob) as file:
            members[f"{_BLOBS}{blob}"] = _add(archive, f"{_BLOBS}{blob}", file)
    except FileMissing:
        return False
    return True


def _add(archive: tarfile.TarFile, name: str, file: BinaryIO) -> str:
    """Add a member; its sha256."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = file.seek(0, os.SEEK_END), 0o600
    file.seek(0)
    reader = _Hashing(file)
    archive.addfile(entry, reader)
    return reader.digest.hexdigest()


class _Hashing:
    """A file that knows the sha256 of what was read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


# --- the way back ------------------------------------------------------------------------------------------------


def restore(source: Path, chosen: Settings, branches: migrate.Branches, *, force: bool = False) -> Manifest:
    """Put an archive's content in the place of this installation's. Raises BackupRefused, CopyFailed.

    Everything is checked before anything is written. force: also over an installation that holds something, and
    with another master key.
    """
    with tempfile.TemporaryDirectory(prefix="careroom-restore-") as folder:
        copied = Path(folder, _DATABASE)
        manifest = _read(source, copied)
        _check(manifest, chosen, branches, force=force)
        # Blobs first: a row never stands without its blob.
        for name, file in _blobs_in(source):
            store.put(name, iter(lambda: file.read(_PIECE), b""))  # noqa: B023 - used up within the turn
        copies.load(copied, chosen)
    log.info("backup.restored", blobs=manifest.blobs)
    return manifest


def read_manifest(source: Path) -> Manifest:
    """Check a whole archive against its own checksums. Raises BackupRefused."""
    return _read(source, None)


def _read(source: Path, database: Path | None) -> Manifest:
    """Check every member; the database goes to a file on the way."""
    seen: dict[str, str] = {}
    told: dict[str, Any] | None = None
    try:
        with tarfile.open(source, "r:") as archive:
            for entry in archive:
                file = archive.extractfile(entry)
                if file is None or not _is_ours(entry.name) or entry.name in seen:
                    raise BackupRefused(f"this is no backup of Careroom: it holds {entry.name!r}")
                if entry.name == _MANIFEST:
                    told = json.load(file)
                    continue
                seen[entry.name] = _digest(file, database if entry.name == _DATABASE else None)
    except (tarfile.TarError, ValueError, OSError) as error:
        raise BackupRefused(f"the archive cannot be read: {error}") from None
    if told is None:
        raise BackupRefused("the archive has no manifest: it was cut off")
    if told.get("format") != FORMAT:
        raise BackupRefused(f"the archive has format {told.get('format')!r}; this Careroom knows {FORMAT}")
    manifest = Manifest(**told)
    wrong = sorted(n for n in manifest.members.keys() | seen.keys() if manifest.members.get(n) != seen.get(n))
    if wrong:
        raise BackupRefused(
            f"{len(wrong)} of its members are not what the manifest says; the first: {wrong[0]}"
        )
    return manifest


def _is_ours(name: str) -> bool:
    return name in (_DATABASE, _MANIFEST) or (
        name.startswith(_BLOBS) and _BLOB_NAME.fullmatch(name[len(_BLOBS) :]) is not None
    )


def _digest(file: IO[bytes], target: Path | None) -> str:
    reader = _Hashing(file)
    if target is None:
        while reader.read(_PIECE):
            pass
    else:
        with target.open("wb") as output:
            while piece := reader.read(_PIECE):
                output.write(piece)
    return reader.digest.hexdigest()


def _check(manifest: Manifest, chosen: Settings, branches: migrate.Branches, *, force: bool) -> None:
    here = copies.kind_of(chosen)
    if manifest.database != here:
        raise BackupRefused(f"the archive is of {manifest.database}, this installation has {here}")
    if unknown := sorted(set(manifest.heads) - migrate.known(branches)):
        raise BackupRefused(
            f"the archive's schema ({', '.join(unknown)}) is newer than this Careroom ({version('careroom')}), "
            f"or a plugin is not installed: it was made by {manifest.careroom}"
        )
    if force:
        return
    if manifest.master_keys and keys.fingerprint(chosen.master_key_bytes) not in manifest.master_keys:
        raise BackupRefused(
            "its files were encrypted under another CAREROOM_MASTER_KEY: they could not be read"
        )
    if not copies.is_empty(chosen):
        raise BackupRefused("this database is not empty; --force replaces what it holds")
    if next(store.listing(), None) is not None:
        raise BackupRefused("this blob store is not empty; --force adds to what it holds")


def _blobs_in(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(source, "r:") as archive:
        for entry in archive:
            if entry.name.startswith(_BLOBS) and (file := archive.extractfile(entry)) is not None:
                yield entry.name[len(_BLOBS) :], file
