"""``careroom plugin new``, ``check`` and ``translate``: for those who write plugins."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from core.cli_start import told


@click.command("check")
@click.argument("name")
@click.option("--tier", type=click.Choice(["bronze", "silver", "gold"]), default="bronze", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(name: str, tier: str, as_json: bool) -> None:
    """Walk the surfaces of plugin NAME in a house of its own and say which tier it is.

    Fails below --tier. Nothing of this installation's data is touched. With Chromium, Playwright and axe-core here,
    its pages' accessibility is measured, too; without it cannot be gold.
    """
    from core.authoring import check as checking
    from core.authoring import inspection
    from core.authoring.rules import TIERS, tier_of

    with (
        tempfile.TemporaryDirectory(prefix="careroom-check-") as folder,
        told(inspection.NoSuchPlugin),
        inspection.opened(name, Path(folder)) as place,
    ):
        shown = not as_json and sys.stderr.isatty()
        findings = checking.look_over(
            place, lambda rule: click.echo(f"looking at {rule.name} ...", err=True) if shown else None
        )
        version = place.plugin.version
    if as_json:
        click.echo(json.dumps(checking.as_data(name, version, findings), indent=2))
    else:
        click.echo(checking.as_text(name, version, findings))
    reached = tier_of(findings)
    if reached is None or TIERS.index(reached) < TIERS.index(tier):
        sys.exit(1)


@click.command("translate")
@click.argument("package", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--language", "languages", multiple=True, help="Begin a catalogue in this language.")
def translate(package: Path, languages: tuple[str, ...]) -> None:
    """Bring the catalogues of the plugin in folder PACKAGE in line with its code, and compile them."""
    from core.authoring import words

    source = words.source_of(package.resolve())
    for language in sorted({*languages, *words.languages_of(package, ())}):
        count, empty = source.update(language)
        source.compile(language)
        click.echo(f"{language}: {count} messages, {empty} to translate in {source.po(language)}")


@click.command("new")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where to make it; careroom-<name> here when nothing is said.",
)
@click.option("--title", default=None, help="What people read; made of the name when nothing is said.")
def new(name: str, folder: Path | None, title: str | None) -> None:
    """Make a plugin NAME (lower_case words): a package that runs, with tests, translations and a CI script."""
    from core.authoring import starter

    with told(starter.CannotMake):
        made = starter.make(name, folder, title=title)
    click.echo(f"{made} is ready. Next:")
    click.echo(f"  cd {made}")
    click.echo("  python -m pip install -e .")
    click.echo("  ./ci.sh")
