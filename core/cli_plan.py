"""``careroom migrate --plan``: the plan in words."""

from __future__ import annotations

import click
from alembic.util import CommandError

from core.cli_start import told
from core.db import migrate, ownership, plan, statements, stepping
from core.patient_data import sources


def show(branches: migrate.Branches, down: str | None) -> None:
    """Print what going up to the newest, or down to ``down``, would do; ends with an error when it would fail."""
    with told(stepping.NotItsOwn, CommandError):
        made = plan.make(branches, "down" if down else "up", down or "heads")
    click.echo(f"{made.kind}: {'down' if down else 'up'} to {made.target}. Nothing is changed by this.")
    for step in made.steps:
        click.echo(f"\n-- {step.branch}: {step.revision}  {step.message}")
        for planned in step.statements:
            _show(made, planned)
    if not made.steps and not made.unforeseen:
        click.echo("Nothing to do.")
    if made.steps and made.kind == "postgresql" and not down:
        click.echo("\n-- At the end: policies and rights of new tables (row-level security).")
    _show_rest(made)
    if made.broken or made.unforeseen:
        raise click.ClickException("This migration would fail, or cannot be foreseen: see above.")


def _show(made: plan.Plan, planned: plan.Planned) -> None:
    click.echo(f"{planned.sql};")
    for lock in planned.locks:
        holds = statements.HOLDS_UP[lock.mode]
        click.echo(f"   lock   {lock.mode} on {lock.table} ({planned.rows[lock.table]} rows): {holds}")
    if planned.rewrites is not None:
        click.echo(f"   writes {planned.rewrites} anew, {planned.rows[planned.rewrites]} rows")
    elif planned.scans is not None:
        click.echo(f"   reads  all of {planned.scans}, {planned.rows[planned.scans]} rows")


def _show_rest(made: plan.Plan) -> None:
    if made.unforeseen:
        click.echo(f"\nCannot be foreseen: {made.unforeseen}.")
    for rule, count in made.broken.items():
        click.echo(f"\nIn the way: {count} rows break {rule}.")
    refused = sources.refused()
    waiting = {table: count for table, count in made.orphans.items() if ownership.owner_of(table, refused)}
    gone = {table: count for table, count in made.orphans.items() if table not in waiting}
    if gone:
        click.echo("\nTables of plugins that are not installed (`careroom plugin purge NAME --everywhere`):")
        for table, count in gone.items():
            click.echo(f"   {table}  {count} rows")
    if waiting:
        click.echo(
            "\nTables of plugins that are installed and were refused (`careroom plugin list` says why):"
        )
        for table, count in waiting.items():
            click.echo(f"   {table}  {count} rows")
    if made.unknown:
        click.echo(f"\nRevisions in the database that no code here has: {', '.join(made.unknown)}.")
    for key in made.blocking:
        click.echo(f"\nCould block deleting a core row: {key}.")
