"""``careroom retention``: how long a practice keeps what, and what would go."""

from __future__ import annotations

import click

from core import audit, db, retention, tenancy
from core.cli_start import ACTOR, prepare
from core.jobs.service import running_for


@click.group("retention")
def retention_group() -> None:
    """How long data stays: see, choose, apply."""


def _practice(slug: str) -> tenancy.Practice:
    prepare()
    with db.scope(write=False):
        try:
            return tenancy.find_by_slug(slug)
        except tenancy.UnknownPractice as error:
            raise click.ClickException(str(error)) from None


def _kind(name: str) -> retention.Kind:
    try:
        return retention.find(name)
    except LookupError as error:
        raise click.ClickException(str(error)) from None


def _days(text: str) -> int | None:
    if text == "ever":
        return None
    if not text.isdigit():
        raise click.ClickException("Say a number of days, or 'ever'.")
    return int(text)


def _show(shown: list[retention.Preview]) -> None:
    for line in shown:
        kept = "for ever" if line.days is None else f"{line.days} days"
        click.echo(f"{line.kind.name:32} {kept:>10}  {line.count:>8} would go  {line.kind.title}")


@retention_group.command("preview")
@click.argument("slug")
@click.option(
    "--with", "change", nargs=2, multiple=True, metavar="KIND DAYS", help="As if this had been chosen."
)
def preview(slug: str, change: tuple[tuple[str, str], ...]) -> None:
    """Say how long practice SLUG keeps each kind of data, and how much would go now. Changes nothing."""
    practice = _practice(slug)
    changes = {_kind(name).name: _days(text) for name, text in change}
    with tenancy.practice_scope(practice.id, write=False):
        _show(retention.preview(changes))


@retention_group.command("set")
@click.argument("slug")
@click.argument("kind_name", metavar="KIND")
@click.argument("days", metavar="DAYS|ever")
def choose(slug: str, kind_name: str, days: str) -> None:
    """Have practice SLUG keep KIND for so many days. Nothing goes before the next daily run."""
    practice = _practice(slug)
    kind = _kind(kind_name)
    with tenancy.practice_scope(practice.id), audit.use_actor(ACTOR):
        try:
            retention.choose(kind, _days(days))
        except retention.NotAllowed as error:
            raise click.ClickException(str(error)) from None
        _show([line for line in retention.preview() if line.kind == kind])


@retention_group.command("apply")
@click.argument("slug")
def apply(slug: str) -> None:
    """Remove now what practice SLUG keeps no longer, as the worker does every day."""
    practice = _practice(slug)
    with running_for(practice.id), audit.use_actor(ACTOR):
        gone = retention.apply()
    for name, count in gone.items():
        click.echo(f"{name:32} {count:>8} went")
    click.echo(f"{sum(gone.values())} went.")
