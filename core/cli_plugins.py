"""``careroom plugin``: which there are, why each is on or off, and switching them."""

from __future__ import annotations

import click

from core import audit, plugin_system, tenancy
from core.cli_start import ACTOR, practice_id, prepare, told
from core.plugin_system import activation


@click.group("plugin")
def plugin_group() -> None:
    """Plugins: list them and switch them."""


@plugin_group.command("list")
@click.argument("slug", required=False)
def list_plugins(slug: str | None) -> None:
    """List the installed plugins; with a practice's SLUG, whether each is on there."""
    prepare()
    for refusal in activation.refusals():
        click.echo(f"{refusal.name:20} refused: {refusal.reason}")
    if slug is None:
        for found in plugin_system.registry:
            click.echo(f"{found.name:20} {found.version:10} {found.title}")
        return
    with tenancy.practice_scope(practice_id(slug), write=False):
        for state in activation.states():
            click.echo(f"{state.plugin.name:20} {'on' if state.on else 'off':4} {state.reason}")


@plugin_group.command("enable")
@click.argument("name")
@click.argument("slug")
def enable(name: str, slug: str) -> None:
    """Switch plugin NAME on for the practice SLUG."""
    _switch(name, slug, on=True)


@plugin_group.command("disable")
@click.argument("name")
@click.argument("slug")
def disable(name: str, slug: str) -> None:
    """Switch plugin NAME off for the practice SLUG; its data stays."""
    _switch(name, slug, on=False)


def _switch(name: str, slug: str, *, on: bool) -> None:
    prepare()
    if name not in plugin_system.registry:
        raise click.ClickException(f"No plugin is called {name}.")
    with (
        tenancy.practice_scope(practice_id(slug)),
        audit.use_actor(ACTOR),
        told(activation.CannotSwitch),
    ):
        (activation.enable if on else activation.disable)(name)
    click.echo(f"{name} is {'on' if on else 'off'} for {slug}")
