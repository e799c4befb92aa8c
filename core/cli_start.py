"""What the commands share: starting up, naming a practice, and errors in a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import click

from core import audit, db, observability, plugin_system, settings, tenancy
from core.db import migrate as migrations
from core.plugin_system import consent, wiring
from core.security import permissions
from core.settings import Settings

ACTOR: Final = audit.Actor("system", "cli", "careroom")
"""Who did it, in the trail, when a command did."""


def prepare() -> Settings:
    """Read the settings, open the database, find the plugins."""
    chosen = settings.configure(settings.from_environment())
    observability.configure(chosen)
    db.configure(chosen)
    wiring.start(chosen)
    return chosen


def bring_up_to_date() -> None:
    """The database to the newest schema of core and plugins, and the permissions that they declare."""
    if settings.current().safe_mode:
        raise click.ClickException("In safe mode the plugins' tables and permissions would be left out.")
    migrations.upgrade(plugin_system.registry.branches())
    with db.scope():
        permissions.sync_permissions(permissions.declared())
    consent.adopt()


def practice_id(slug: str) -> UUID:
    """The practice with this slug; ends the command when there is none."""
    with db.scope(write=False), told(tenancy.UnknownPractice):
        return tenancy.find_by_slug(slug).id


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """Say what went wrong in a line instead of a traceback."""
    try:
        yield
    except errors as error:
        raise click.ClickException(str(error)) from None
