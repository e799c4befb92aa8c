"""Removing a plugin's data for good: exported first, then a tombstone, then the rows and the bytes.

The tombstone is there, open, before the export begins. From then on the plugin cannot be switched on here before the
removal has come to its end; a removal that was broken off goes on when it is asked for again. When the export fails,
nothing was removed, and the tombstone says "not_begun".
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update

from core import audit, db, files, tenancy
from core.db import practice_rows
from core.files import store
from core.files.models import File, Upload
from core.jobs.models import JobRow
from core.links.models import Link
from core.notifications.models import InboxItem, InboxRead, TemplateOverride
from core.patient_data import absent, practice_archive, sources
from core.patient_data.models import PluginTombstone
from core.patient_data.parts import PracticeDataContext
from core.patient_data.practice_archive import Written
from core.patient_data.sources import SourceFailed
from core.tenancy import Practice
from core.tenancy.switches import CORE

_BATCH: Final = 200
_OPEN, _DONE, _NOTHING_WENT = "open", "done", "not_begun"


def is_under_way(plugin: str) -> bool:
    """Is this plugin's data being removed from the current practice, or was that broken off?"""
    about = (PluginTombstone.plugin == plugin, PluginTombstone.state == _OPEN)
    return db.session().scalar(select(PluginTombstone.id).where(*about).limit(1)) is not None


def has_left(plugin: str) -> bool:
    """Are there files of this plugin in any practice, or a removal that was not finished?"""
    with db.scope(write=False, across_practices=True) as session:
        stored = select(File.id).where(File.owner == plugin).limit(1)
        begun = select(PluginTombstone.id).where(
            PluginTombstone.plugin == plugin, PluginTombstone.state == _OPEN
        )
        return session.scalar(stored) is not None or session.scalar(begun.limit(1)) is not None


def tombstones(plugin: str | None = None) -> list[PluginTombstone]:
    """The current practice's tombstones, newest first."""
    wanted = select(PluginTombstone).order_by(PluginTombstone.created_at.desc(), PluginTombstone.id.desc())
    if plugin is not None:
        wanted = wanted.where(PluginTombstone.plugin == plugin)
    return list(db.session().scalars(wanted))


def target_in(folder: Path, practice: Practice, what: str) -> Path:
    """A name in a folder that says what and when."""
    return folder / f"{practice.slug}-{what}-{db.utcnow():%Y%m%dT%H%M%SZ}.zip"


def purge(plugin: str, practice: Practice, target: Path) -> Written:
    """Export a practice's data of a plugin to ``target``, then remove it. The plugin must be off. Opens its own scopes.

    Raises SourceFailed, FileExistsError, OSError: then nothing was removed, or the removal goes on when asked again.
    """
    tombstone_id = _begin(plugin, practice, target.name)
    try:
        written = practice_archive.write(target, practice, [plugin])
    except BaseException:
        _finish(tombstone_id, practice, _NOTHING_WENT)
        raise
    with tenancy.practice_scope(practice.id) as session:
        session.execute(
            update(PluginTombstone)
            .where(PluginTombstone.id == tombstone_id)
            .values(
                counts=written.counts,
                export_name=written.path.name,
                export_sha256=written.sha256,
                export_size=written.size,
            )
        )
        audit.record("plugin.purge_begun", detail={"plugin": plugin, "export_sha256": written.sha256})
    remove(plugin, practice.id)
    with tenancy.practice_scope(practice.id) as session:
        session.execute(
            update(PluginTombstone)
            .where(PluginTombstone.plugin == plugin, PluginTombstone.state == _OPEN)
            .values(state=_DONE, finished_at=db.utcnow())
        )
        audit.record("plugin.purged", detail={"plugin": plugin, "rows": sum(written.counts.values())})
    return written


def _begin(plugin: str, practice: Practice, name: str) -> UUID:
    """An open tombstone before anything is read: what the export cannot hold any more must not be written."""
    source, tombstone_id = sources.find(plugin), db.uuid7()
    with tenancy.practice_scope(practice.id) as session:
        session.add(
            PluginTombstone(
                id=tombstone_id,
                plugin=plugin,
                version=source.version if source is not None else None,
                removed_by=audit.actor().name,
                export_name=name,
                export_sha256="",
                export_size=0,
            )
        )
    return tombstone_id


def _finish(tombstone_id: UUID, practice: Practice, state: str) -> None:
    with tenancy.practice_scope(practice.id) as session:
        session.execute(
            update(PluginTombstone)
            .where(PluginTombstone.id == tombstone_id)
            .values(state=state, finished_at=db.utcnow())
        )


def remove(plugin: str, practice_id: UUID) -> None:
    """Remove a practice's rows and files of a plugin, and what the core keeps for it. Twice is as good as once.

    Messages that were sent stay: they are the practice's own record of what it wrote.
    """
    _ask_plugin(plugin, practice_id)
    _remove_files(plugin, practice_id)
    with practice_rows.transaction(practice_id, write=True) as connection:
        tables = practice_rows.of_practice(practice_rows.tables_of(connection, plugin, sources.owners()))
        for table in reversed(tables):
            practice_rows.remove(connection, table, practice_id)
        practice_rows.forget_plugin(connection, plugin, practice_id)
    _remove_of_core(plugin, practice_id)


def _ask_plugin(plugin: str, practice_id: UUID) -> None:
    source = sources.find(plugin)
    if source is None or source.erase_practice is None:
        return
    with tenancy.practice_scope(practice_id):
        try:
            source.erase_practice(PracticeDataContext(tenancy.current()))
            db.session().flush()
        except Exception as error:
            raise SourceFailed(plugin, type(error).__name__) from error


def _remove_files(plugin: str, practice_id: UUID) -> None:
    more = True
    while more:
        with db.scope(practice_id) as session:
            uploads = session.scalars(select(Upload).where(Upload.owner == plugin).limit(_BATCH)).all()
            for upload in uploads:
                files.uploads.forget(upload)
            stored = session.scalars(select(File.id).where(File.owner == plugin).limit(_BATCH)).all()
            for file_id in stored:
                files.delete(file_id)
            more = bool(uploads or stored)


def _remove_of_core(plugin: str, practice_id: UUID) -> None:
    begins = f"{plugin}."
    with db.scope(practice_id) as session:
        notices = select(InboxItem.id).where(InboxItem.owner == plugin)
        session.execute(delete(InboxRead).where(InboxRead.item_id.in_(session.scalars(notices).all())))
        session.execute(delete(InboxItem).where(InboxItem.owner == plugin))
        for model, column in (
            (Link, Link.purpose),
            (JobRow, JobRow.kind),
            (TemplateOverride, TemplateOverride.template),
        ):
            session.execute(delete(model).where(column.startswith(begins, autoescape=True)))


# --- a whole practice --------------------------------------------------------------------------------------------


def everybody(practice_id: UUID) -> list[str]:
    """The core, every installed plugin and those that are gone and left data, for an archive of all of a practice.

    Raises SourceFailed when an installed plugin is not loaded in this process.
    """
    absent.refuse_not_loaded()
    with db.scope(practice_id, write=False):
        return [CORE, *sources.owners(), *absent.not_installed()]


def erase_practice(practice: Practice) -> dict[str, int]:
    """Remove everything that a practice holds; table -> rows that went. Its audit trail and its name stay, closed.

    Opens its own scopes. Raises SourceFailed.
    """
    absent.refuse_not_loaded()
    for plugin in reversed(sources.owners()):
        _ask_plugin(plugin, practice.id)
    gone: dict[str, int] = {}
    with practice_rows.transaction(practice.id, write=True) as connection:
        for table in practice_rows.erasable(connection):
            if count := practice_rows.remove(connection, table, practice.id):
                gone[table.name] = count
    # The data keys went with the rows: bytes that stay behind here could be read by nobody.
    files.keys.forget()
    for name, _at in store.listing():
        if name.startswith(f"{practice.id.hex}/"):
            store.delete(name)
            gone["blobs"] = gone.get("blobs", 0) + 1
    with tenancy.practice_scope(practice.id):
        here = tenancy.held()
        here.status, here.profile = "erased", {}
        here.phone = here.email = here.address = None
        audit.record("practice.erased", detail={"rows": sum(gone.values())})
    return gone
