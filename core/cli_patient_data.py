"""``careroom patient export|erase`` and ``careroom practice export|erase``: people's rights to their data, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import click
from sqlalchemy import select

from core import audit, db, tenancy
from core.cli_start import ACTOR, practice_id, prepare, told
from core.i18n import use_language
from core.jobs.service import running_for
from core.patient_data import SourceFailed, erasures, exports, practice_archive, purging
from core.patient_data.archive import pieces_of
from core.patients import PatientNotFound, get

_folder: Final = click.Path(file_okay=False, path_type=Path)


@click.group("patient")
def patient_group() -> None:
    """A patient's data: hand it over, erase it."""


@patient_group.command("export")
@click.argument("slug")
@click.argument("patient", type=click.UUID)
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), required=True)
def export_patient(slug: str, patient: UUID, target: Path) -> None:
    """Write everything about PATIENT (an id) of practice SLUG into one ZIP."""
    prepare()
    practice = practice_id(slug)
    if target.exists():
        raise click.ClickException(f"{target} is there already.")
    with tenancy.practice_scope(practice), audit.use_actor(ACTOR), told(PatientNotFound):
        export_id = exports.request(get(patient)).id
    with running_for(practice):
        exports.make({"export_id": str(export_id)})
    with tenancy.practice_scope(practice), audit.use_actor(ACTOR):
        made = exports.get(export_id)
        if made is None or made.state != "ready":
            said = (
                f"{made.failed_owner or 'core'}: {made.error}" if made is not None else "the patient is gone"
            )
            raise click.ClickException(f"There is no export: {said}.")
        stream, sha256 = exports.open_archive(made), made.sha256
    with target.open("xb") as file:
        target.chmod(0o600)
        for piece in pieces_of(stream):
            file.write(piece)
    with tenancy.practice_scope(practice), audit.use_actor(ACTOR):
        if (made := exports.get(export_id)) is not None:
            exports.discard(made)
    click.echo(f"{target}: sha256 {sha256}")


@patient_group.command("erase")
@click.argument("slug")
@click.argument("patient", type=click.UUID)
@click.option(
    "--confirm", default=None, metavar="NAME", help="The patient's name. Without it: only the preview."
)
def erase_patient(slug: str, patient: UUID, confirm: str | None) -> None:
    """Say what of PATIENT (an id) would go and what must stay; with --confirm, erase it."""
    prepare()
    practice = practice_id(slug)
    with tenancy.practice_scope(practice, write=False), use_language("en"), told(PatientNotFound):
        found = get(patient)
        _show(erasures.preview(found).sections)
    if confirm is None:
        return
    if confirm.casefold().split() != found.display_name.casefold().split():
        raise click.ClickException("This is not the patient's name. Nothing was erased.")
    with tenancy.practice_scope(practice), audit.use_actor(ACTOR):
        erasure_id = erasures.request(get(patient)).id
    with running_for(practice):
        erasures.erase({"erasure_id": str(erasure_id)})
    with tenancy.practice_scope(practice, write=False):
        done = erasures.get(erasure_id)
    if done is None or done.state != "done":
        said = f"{done.failed_owner or 'core'}: {done.error}" if done is not None else ""
        raise click.ClickException(f"Not finished, and nothing was erased. {said}")
    click.echo(f"Done: {done.outcome}.")


def _show(sections: list[erasures.Section]) -> None:
    for section in sections:
        if section.failed:
            click.echo(f"{section.owner:20} cannot say: {section.failed}")
        for line in section.lines:
            fate = (
                f"stays: {line.stays}{f' Until {line.until}.' if line.until else ''}"
                if line.stays
                else "goes"
            )
            click.echo(f"{section.owner:20} {line.count:>8}  {line.what}  {fate}")


# --- practices ---------------------------------------------------------------------------------------------------


@click.command("export")
@click.argument("slug")
@click.option("--to", "folder", type=_folder, required=True, help="Folder for the archive.")
def export_practice(slug: str, folder: Path) -> None:
    """Write everything of practice SLUG into one ZIP: every row, every file decrypted."""
    prepare()
    practice = of_any_state(slug)
    _write(practice, folder)


@click.command("erase")
@click.argument("slug")
@click.option("--export-to", "folder", type=_folder, default=None, help="Export everything there first.")
@click.option("--without-export", is_flag=True, help="Somebody has an export already, or wants none.")
@click.option(
    "--confirm", default=None, metavar="SLUG", help="The slug once more. Without it: only the counts."
)
def erase_practice(slug: str, folder: Path | None, without_export: bool, confirm: str | None) -> None:
    """Remove everything that practice SLUG holds. Its name and its sealed audit trail stay; it is closed for good."""
    prepare()
    practice = of_any_state(slug)
    with told(SourceFailed):
        owners = purging.everybody(practice.id)
    for owner in owners:
        for what, count in practice_archive.counts_of(practice.id, owner).items():
            click.echo(f"{count:>10}  {what if what != 'files' else f'files of {owner}'}")
    if confirm is None:
        click.echo(f"Nothing was changed. To erase all of it: --confirm {slug}")
        return
    if confirm != slug:
        raise click.ClickException("This is not the practice's slug. Nothing was erased.")
    if (folder is None) == (not without_export):
        raise click.ClickException("Say --export-to FOLDER or --without-export.")
    if folder is not None:
        _write(practice, folder)
    with audit.use_actor(ACTOR), told(SourceFailed):
        gone = purging.erase_practice(practice)
    click.echo(f"{slug} is erased: {sum(gone.values())} rows and blobs went.")


def of_any_state(slug: str) -> tenancy.Practice:
    """The practice with this slug, also one that is closed; ends the command when there is none."""
    with db.scope(write=False) as session:
        found = session.scalar(select(tenancy.Practice).where(tenancy.Practice.slug == slug))
    if found is None:
        raise click.ClickException(f"No practice has the slug {slug}.")
    return found


def _write(practice: tenancy.Practice, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = purging.target_in(folder, practice, "everything")
    with audit.use_actor(ACTOR), told(SourceFailed, OSError):
        written = practice_archive.write(target, practice, purging.everybody(practice.id))
    with tenancy.practice_scope(practice.id), audit.use_actor(ACTOR):
        audit.record("practice.exported", detail={"sha256": written.sha256, "bytes": written.size})
    rows = sum(written.counts.values())
    click.echo(f"{written.path}: {rows} rows and files, sha256 {written.sha256}")
    if written.missing:
        click.echo(
            f"{len(written.missing)} files could not be read: see manifest.json, `careroom files check`."
        )
