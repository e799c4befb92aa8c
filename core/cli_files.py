"""``careroom files``: keys, integrity and tidiness of what people sent."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from uuid import UUID

import click
from sqlalchemy import select

from core import audit, db, files, settings, tenancy
from core.cli_start import ACTOR, prepare
from core.files import integrity, keys, reencryption

_of_practice = click.option("--practice", "slug", default=None, help="Slug of one practice; all without it.")


@click.group("files")
def files_group() -> None:
    """Photos and their keys: rotate, check, tidy."""


def _practices(slug: str | None) -> list[tuple[UUID, str]]:
    """Also those that are closed: their files are there still."""
    with db.scope(write=False) as session:
        query = select(tenancy.Practice.id, tenancy.Practice.slug).order_by(tenancy.Practice.slug)
        if slug is not None:
            query = query.where(tenancy.Practice.slug == slug)
        found = [(practice_id, name) for practice_id, name in session.execute(query)]
    if slug is not None and not found:
        raise click.ClickException(f"No practice has the slug {slug}.")
    return found


@files_group.command("rotate-keys")
@_of_practice
def rotate_keys(slug: str | None) -> None:
    """Give practices a new data key; the worker encrypts their older files anew. Nobody has to stop working."""
    prepare()
    with audit.use_actor(ACTOR):
        for practice_id, name in _practices(slug):
            key_id = reencryption.rotate(practice_id)
            click.echo(f"{name:24} new key {key_id}; the worker brings older files under it")


@files_group.command("rotate-master")
def rotate_master() -> None:
    """Wrap every data key by the master key in CAREROOM_NEW_MASTER_KEY.

    Before: start all processes with the new key in CAREROOM_OLD_MASTER_KEYS, so that they can read both. After: make
    it CAREROOM_MASTER_KEY with the earlier one in CAREROOM_OLD_MASTER_KEYS, and run this once more.
    """
    prepare()
    text = os.environ.get("CAREROOM_NEW_MASTER_KEY", "")
    try:
        new = settings.master_key_bytes(text)
    except ValueError:
        new = b""
    if len(new) != 32:
        raise click.ClickException(
            "CAREROOM_NEW_MASTER_KEY must be 32 bytes in urlsafe base64: `careroom keys`."
        )
    total = 0
    for practice_id, name in _practices(None):
        try:
            total += keys.rewrap(practice_id, new)
        except keys.KeyUnavailable as error:
            raise click.ClickException(f"{name}: {error}. {total} keys were wrapped before it.") from None
    click.echo(f"{total} data keys are wrapped by the master key {keys.fingerprint(new)} now.")


@files_group.command("check")
@_of_practice
def check(slug: str | None) -> None:
    """Read every stored file whole; fails when bytes are missing, damaged or cannot be decrypted."""
    prepare()
    checked, problems = integrity.Checked(), 0
    for practice_id, name in _practices(slug):
        for problem in integrity.check(practice_id, checked):
            problems += 1
            click.echo(f"{name:24} {problem.kind:10} {problem.subject} {problem.what}")
    click.echo(f"{checked.blobs} blobs, {checked.bytes} bytes read; {problems} problems.")
    if problems:
        sys.exit(1)


@files_group.command("sweep")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="Hours. Less than a few minutes only while nothing is being uploaded.",
)
def sweep(older_than: float) -> None:
    """Remove bytes that no row knows: what crashes leave behind. The worker does it daily."""
    prepare()
    swept = files.sweep_orphans(older_than=timedelta(hours=older_than))
    click.echo(f"{swept} orphans were removed.")
