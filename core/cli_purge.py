"""``careroom plugin purge``: a plugin's data for good, of one practice or of all, exported before it goes."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select

from core import audit, db, plugin_system, tenancy
from core.cli_patient_data import of_any_state
from core.cli_start import ACTOR, prepare, told
from core.db import migrate, practice_rows, stepping
from core.i18n import use_language
from core.patient_data import SourceFailed, practice_archive, purging, sources
from core.plugin_system import activation


@click.command("purge")
@click.argument("name")
@click.option("--practice", "slug", default=None, metavar="SLUG", help="Of this practice only.")
@click.option("--everywhere", is_flag=True, help="Of all practices; then the plugin's tables go as well.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder for the exports.",
)
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option(
    "--although-refused", is_flag=True, help="Also one that is installed and was refused: it is not asked."
)
def purge(
    name: str,
    slug: str | None,
    everywhere: bool,
    folder: Path | None,
    dry_run: bool,
    yes: bool,
    although_refused: bool,
) -> None:
    """Export what plugin NAME holds, note that in a tombstone, then remove rows, files and, everywhere, tables.

    NAME may be a plugin that is not installed any more: its tables are found by their prefix.
    """
    prepare()
    if (slug is None) == (not everywhere):
        raise click.UsageError("Say --practice SLUG or --everywhere.")
    _check_name(name, although_refused)
    practices = [of_any_state(slug)] if slug is not None else _every_practice()
    _show(name, practices, everywhere)
    if dry_run:
        click.echo("Nothing was changed.")
        return
    if folder is None:
        raise click.UsageError("Say --to FOLDER: what goes is exported first.")
    if not yes and click.prompt(f"To remove it for good, type {name}", default="") != name:
        raise click.ClickException("Nothing was changed.")
    folder.mkdir(parents=True, exist_ok=True)
    for practice in practices:
        _purge(name, practice, folder)
    if everywhere:
        _drop_tables(name)


def _check_name(name: str, although_refused: bool) -> None:
    if name == tenancy.switches.CORE:
        raise click.ClickException("The core is no plugin.")
    if name in plugin_system.registry:
        return
    if name in sources.refused():
        if not although_refused:
            raise click.ClickException(
                f"{name} is installed and was refused (`careroom plugin list` says why), so it cannot be asked what it "
                "keeps elsewhere. To remove its data all the same: --although-refused."
            )
        return
    # A name that begins another's would take that one's tables along.
    if not practice_rows.names_of(name, _others(name)) and not purging.has_left(name):
        raise click.ClickException(f"No plugin is called {name}, and no table begins with {name}_.")


def _every_practice() -> list[tenancy.Practice]:
    with db.scope(write=False) as session:
        return list(session.scalars(select(tenancy.Practice).order_by(tenancy.Practice.slug)))


def _others(name: str) -> set[str]:
    return {*plugin_system.registry.plugins, *sources.refused()} - {name}


def _show(name: str, practices: list[tenancy.Practice], everywhere: bool) -> None:
    total = 0
    for practice in practices:
        counts = practice_archive.counts_of(practice.id, name)
        total += sum(counts.values())
        for what, count in counts.items():
            click.echo(f"{practice.slug:24} {count:>8}  {what}")
    click.echo(f"{total} rows and files of {name}.")
    if everywhere:
        tables = practice_rows.names_of(name, _others(name))
        click.echo(f"Tables: {', '.join(tables) or 'none'}")
        needed_by = [other.name for other in plugin_system.registry if name in other.requires]
        if needed_by:
            raise click.ClickException(f"{', '.join(needed_by)} needs {name}: uninstall that first.")


def _purge(name: str, practice: tenancy.Practice, folder: Path) -> None:
    with audit.use_actor(ACTOR), use_language("en"):
        if name in plugin_system.registry:
            with tenancy.practice_scope(practice.id), told(activation.CannotSwitch):
                activation.disable(name)
        counts = practice_archive.counts_of(practice.id, name)
        if counts or _may_hold_more(name, practice):
            with told(SourceFailed, OSError):
                written = purging.purge(name, practice, purging.target_in(folder, practice, name))
            click.echo(f"{practice.slug}: exported to {written.path} (sha256 {written.sha256}), then removed")
        else:
            purging.remove(name, practice.id)
            click.echo(f"{practice.slug}: no rows and no files; what the core kept for it was removed")
        with tenancy.practice_scope(practice.id):
            activation.begin_afresh(name)


def _may_hold_more(name: str, practice: tenancy.Practice) -> bool:
    """Was a removal broken off here, or does the plugin speak of data that is not in its tables?"""
    source = sources.find(name)
    if source is not None and (source.export_practice or source.erase_practice):
        return True
    with tenancy.practice_scope(practice.id, write=False):
        return purging.is_under_way(name)


def _drop_tables(name: str) -> None:
    branches = plugin_system.registry.branches()
    if name in branches:
        with told(stepping.NotItsOwn, migrate.BrokenKeys):
            migrate.downgrade(branches, f"{name}@base")
        click.echo(
            f"The tables of {name} went, by its own revisions. Uninstall it, or `careroom migrate` makes them anew."
        )
    else:
        dropped = practice_rows.drop(name, _others(name))
        click.echo(f"Dropped: {', '.join(dropped) or 'nothing'}")
