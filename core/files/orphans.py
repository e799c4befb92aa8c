"""Blobs that no row knows: what a crash leaves between storing bytes and committing their row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import structlog
from sqlalchemy import select

from core import db
from core.db import copies
from core.files import store

YOUNG: Final = timedelta(hours=24)
"""A blob younger than this may still get its row."""
_BATCH: Final = 500
log = structlog.get_logger(__name__)


def sweep_orphans(*, older_than: timedelta = YOUNG) -> int:
    """Delete the blobs that no row knows, and answer how many there were."""
    swept = 0
    for batch in _batches(store.listing()):
        before = db.utcnow() - older_than
        old = [name for name, stored_at in batch if stored_at < before]
        for name in sorted(set(old) - _known(old)):
            store.delete(name)
            swept += 1
    if swept:
        log.info("files.orphans_swept", count=swept)
    return swept


def sweep(payload: dict[str, Any]) -> None:
    """Sweep core.sweep_orphan_blobs."""
    sweep_orphans()


def _known(blobs: list[str]) -> set[str]:
    columns = copies.columns_named("blob")  # of every room: exports have theirs, too
    with db.scope(across_practices=True, write=False) as session:
        return {blob for c in columns for blob in session.scalars(select(c).where(c.in_(blobs))) if blob}


def _batches(entries: Iterator[tuple[str, datetime]]) -> Iterator[list[tuple[str, datetime]]]:
    while batch := list(islice(entries, _BATCH)):
        yield batch
