"""``careroom plugin``: which there are, why each is on or off, switching them, and the operator's word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from core import audit, plugin_system, tenancy
from core.cli_start import ACTOR, practice_id, prepare, told
from core.i18n import use_language
from core.plugin_system import activation, capabilities
from core.plugin_system.resolver import Reason, Rule


@click.group("plugin")
def plugin_group() -> None:
    """Plugins: list them, ask why, switch them."""


@plugin_group.command("list")
@click.argument("slug", required=False)
@click.option("--strict", is_flag=True, help="Fail when a plugin was refused.")
def list_plugins(slug: str | None, strict: bool) -> None:
    """List the installed plugins in their order; with a practice's SLUG, whether each is on there and why."""
    prepare()
    if slug is None:
        for found in plugin_system.registry:
            click.echo(f"{found.name:20} {found.version:10} {found.title}")
    else:
        with tenancy.practice_scope(practice_id(slug), write=False), use_language("en"):
            for state in activation.states():
                click.echo(f"{state.plugin.name:20} {'on' if state.on else 'off':4} {state.reason}")
    for refusal in activation.refusals():
        click.echo(f"{refusal.name:20} refused: {refusal.reason}")
    if strict:
        refuse_to_go_on()


def refuse_to_go_on() -> None:
    """End the command when a plugin was refused: for CI, and for `careroom serve --strict`."""
    faults = plugin_system.registry.faults
    if faults:
        said = "; ".join(f"{refusal.name} ({refusal.reason})" for refusal in faults)
        raise click.ClickException(f"These plugins were refused: {said}")


@plugin_group.command("why")
@click.argument("name")
@click.argument("slug")
def why(name: str, slug: str) -> None:
    """Say why plugin NAME is on or off for the practice SLUG, and why what it needs is."""
    prepare()
    with tenancy.practice_scope(practice_id(slug), write=False), use_language("en"):
        for depth, plugin, reason in _chain(name):
            click.echo(f"{'  ' * depth}{plugin}: {reason.sentence} [{reason.code}]")
            if reason.code == "consent_widened":
                click.echo(f"{'  ' * depth}  {'; '.join(capabilities.in_words(reason.names))}")


def _chain(name: str, depth: int = 0) -> Iterator[tuple[int, str, Reason]]:
    reason = activation.why(name)
    yield depth, name, reason
    if reason.code == "needs":
        for other in plugin_system.registry.get(name).requires:
            if not activation.why(other).on:
                yield from _chain(other, depth + 1)


@plugin_group.command("enable")
@click.argument("name")
@click.argument("slug")
def enable(name: str, slug: str) -> None:
    """Switch plugin NAME on for the practice SLUG, which agrees to what the plugin asks for."""
    with _practice(name, slug):
        activation.enable(name)
        asked = capabilities.in_words(capabilities.keys(plugin_system.registry.get(name).capabilities))
    click.echo(f"{name} is on for {slug}")
    for line in asked:
        click.echo(f"  agreed to: {line}")


@plugin_group.command("disable")
@click.argument("name")
@click.argument("slug")
def disable(name: str, slug: str) -> None:
    """Switch plugin NAME off for the practice SLUG; its data stays."""
    with _practice(name, slug):
        activation.disable(name)
    click.echo(f"{name} is off for {slug}")


@plugin_group.command("allow")
@click.argument("name")
@click.argument("slug")
def allow(name: str, slug: str) -> None:
    """Let the practice SLUG decide about plugin NAME: ends deny and force, opens a reserved plugin."""
    _decree(name, slug, "allow")


@plugin_group.command("deny")
@click.argument("name")
@click.argument("slug")
def deny(name: str, slug: str) -> None:
    """Keep plugin NAME off for the practice SLUG, whatever the practice wants; its data stays."""
    _decree(name, slug, "deny")


@plugin_group.command("force")
@click.argument("name")
@click.argument("slug")
def force(name: str, slug: str) -> None:
    """Keep plugin NAME on for the practice SLUG; you agree to what it asks for."""
    _decree(name, slug, "force")


def _decree(name: str, slug: str, rule: Rule) -> None:
    with _practice(name, slug):
        activation.decree(name, rule)
        reason = activation.state(name).reason
    click.echo(f"{name} for {slug}: {reason}")


@contextmanager
def _practice(name: str, slug: str) -> Iterator[None]:
    """A practice in which to switch an installed plugin; what cannot be done ends the command with its reason."""
    prepare()
    if name not in plugin_system.registry:
        reason = activation.why(name)
        raise click.ClickException(
            f"No plugin is called {name}." if reason.code == "not_installed" else f"{name}: {reason.sentence}"
        )
    with (
        told(activation.CannotSwitch),
        tenancy.practice_scope(practice_id(slug)),
        use_language("en"),
        audit.use_actor(ACTOR),
    ):
        yield
