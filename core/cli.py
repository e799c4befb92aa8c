"""``careroom``: run it, and look after it."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import select

from core import audit, db, observability, plugin_system, settings, tenancy
from core.cli_audit import audit_group
from core.cli_files import files_group
from core.cli_retention import retention_group
from core.db import copies, roles
from core.db import migrate as migrations
from core.plugin_system import activation, wiring
from core.security import permissions, users
from core.settings import Settings


@click.group()
@click.version_option(package_name="careroom")
def main() -> None:
    """Careroom: remote patient care for practices."""


def _prepare() -> Settings:
    chosen = settings.configure(settings.from_environment())
    observability.configure(chosen)
    db.configure(chosen)
    wiring.start(chosen)
    return chosen


def _migrate() -> None:
    migrations.upgrade(plugin_system.registry.branches())
    with db.scope():
        permissions.sync_permissions(permissions.declared())


@main.command()
@click.option("--port", type=int, default=8000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--fresh", is_flag=True, help="Forget an earlier demo first.")
def demo(port: int, folder: Path, fresh: bool) -> None:
    """Set up and serve two practices with invented patients, on SQLite, on this machine only."""
    from core import demo as demonstration

    environment = demonstration.environment(folder, port, fresh=fresh)
    os.environ.update(environment)
    _prepare()
    _migrate()
    accounts = demonstration.seed()
    db.dispose()
    click.echo(demonstration.welcome(accounts, environment["CAREROOM_BASE_URL"]))
    _serve("127.0.0.1", port)


@main.command()
@click.option("--host", default=None, help="Address to listen on.")
@click.option(
    "--port", type=int, default=None, help="The first port; further web processes take the next ones."
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Web processes.")
@click.option(
    "--job-workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Workers beside."
)
@click.option("--no-worker", is_flag=True, help="The same as --job-workers 0.")
def serve(host: str | None, port: int | None, workers: int, job_workers: int, no_worker: bool) -> None:
    """Serve the web application; the database must have been migrated.

    A process that dies is started again. SIGHUP replaces them one by one (for new code), SIGTERM stops.
    """
    chosen = _prepare()
    if workers > 1 and not chosen.redis_url:
        raise click.ClickException(
            "Several web processes share sockets and rate limits: set CAREROOM_REDIS_URL."
        )
    if not migrations.is_current(plugin_system.registry.branches()):
        raise click.ClickException("The database is not up to date: run `careroom migrate` first.")
    with _told(db.NotProtected):
        roles.check_at_boot(chosen)
    db.dispose()
    _serve(host or chosen.host, port or chosen.port, web=workers, workers=0 if no_worker else job_workers)


def _serve(host: str, port: int, *, web: int = 1, workers: int = 1) -> None:
    """Run web processes and workers as children until we are told to stop."""
    from core import supervisor

    ports = range(port, port + web)
    click.echo(
        f"Serving on {', '.join(f'{host}:{number}' for number in ports)}; workers: {workers}", err=True
    )
    sys.exit(supervisor.run(host, ports, workers))


@main.command()
def worker() -> None:
    """Send messages, turn pictures and do what is due, until told to stop."""
    from core.worker import Worker

    chosen = settings.configure(settings.from_environment())

    def load() -> None:
        roles.check_at_boot(_prepare())

    with _told(db.NotProtected):
        Worker(chosen, load=load).run()


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema and write the permissions of core and plugins."""
    _prepare()
    with _told(db.NotProtected):
        _migrate()
    click.echo(f"The database stands at {', '.join(sorted(migrations.applied()))}.")


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Write database and files into one archive TARGET; safe while serving. Keep the master key elsewhere."""
    from core import backup as archives

    chosen = _prepare()
    with _told(archives.BackupRefused, copies.CopyFailed, OSError):
        made = archives.save(target, chosen)
    click.echo(f"{target}: {made.database} at {', '.join(made.heads)}, {made.blobs} blobs")
    if made.missing:
        raise click.ClickException(
            f"The archive is written, but {len(made.missing)} blobs that rows name are not in the store: "
            f"{', '.join(made.missing[:5])}"
        )


@main.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Also over an installation that holds something.")
@click.option("--check", is_flag=True, help="Only check the archive against its checksums.")
def restore(source: Path, force: bool, check: bool) -> None:
    """Bring back what `careroom backup` wrote. Stop web processes and workers before."""
    from core import backup as archives

    chosen = _prepare()
    branches = plugin_system.registry.branches()
    with _told(archives.BackupRefused, copies.CopyFailed, db.NotProtected, OSError):
        done = (
            archives.read_manifest(source)
            if check
            else archives.restore(source, chosen, branches, force=force)
        )
    click.echo(f"{source}: of {done.made_at}, {done.database} at {', '.join(done.heads)}, {done.blobs} blobs")
    click.echo("The archive is whole." if check else "Restored.")
    if not check and not migrations.is_current(branches):
        click.echo("Its schema is older than this Careroom: run `careroom migrate` before serving.")


@main.command()
@click.argument("branch")
@click.argument("message")
@click.argument("revision")
def revision(branch: str, message: str, revision: str) -> None:
    """For developers: write a new revision of BRANCH from the models."""
    _prepare()
    migrations.make_revision(plugin_system.registry.branches(), branch, message, revision)


@main.command()
def keys() -> None:
    """Print a fresh secret key and master key, as environment variables."""
    click.echo(f"CAREROOM_SECRET_KEY={secrets.token_urlsafe(48)}")
    click.echo(f"CAREROOM_MASTER_KEY={settings.new_master_key()}")


@main.group()
def practice() -> None:
    """Practices: make and list them."""


@practice.command("create")
@click.argument("slug")
@click.argument("name")
@click.option("--language", default="en-GB", show_default=True)
@click.option("--time-zone", default="Europe/London", show_default=True)
@click.option("--country", default="GB", show_default=True)
@click.option("--phone", default=None)
def practice_create(slug: str, name: str, **fields: str | None) -> None:
    """Make a practice."""
    _prepare()
    with db.scope(), _told(ValueError):
        made = tenancy.create_practice(slug, name, **fields)
        click.echo(f"{made.slug}  {made.id}")


@practice.command("list")
def practice_list() -> None:
    """List the practices."""
    _prepare()
    with db.scope(write=False) as session:
        for found in session.scalars(select(tenancy.Practice).order_by(tenancy.Practice.slug)):
            click.echo(f"{found.slug:24} {found.status:10} {found.name}")


@main.group()
def user() -> None:
    """People who sign in."""


@user.command("create")
@click.argument("username")
@click.argument("email")
@click.option("--first-name", required=True)
@click.option("--last-name", required=True)
@click.option("--practice", "slug", default=None, help="Slug of the practice to join.")
@click.option("--role", multiple=True, type=click.Choice(tenancy.ROLES))
@click.password_option()
def user_create(
    username: str,
    email: str,
    first_name: str,
    last_name: str,
    slug: str | None,
    role: tuple[str, ...],
    password: str,
) -> None:
    """Make a user, and give roles in a practice."""
    _prepare()
    with db.scope(), _told(users.UserRefused, tenancy.UnknownPractice):
        made = users.create_user(username, email, first_name, last_name, password)
        for name in role:
            users.add_membership(tenancy.find_by_slug(slug or ""), made, name)
    click.echo(username)


@main.group()
def plugin() -> None:
    """Plugins: list them and switch them."""


@plugin.command("list")
@click.argument("slug", required=False)
def plugin_list(slug: str | None) -> None:
    """List the installed plugins; with a practice's SLUG, whether each is on there."""
    _prepare()
    for refusal in activation.refusals():
        click.echo(f"{refusal.name:20} refused: {refusal.reason}")
    if slug is None:
        for found in plugin_system.registry:
            click.echo(f"{found.name:20} {found.version:10} {found.title}")
        return
    with tenancy.practice_scope(_practice_id(slug), write=False):
        for state in activation.states():
            click.echo(f"{state.plugin.name:20} {'on' if state.on else 'off':4} {state.reason}")


@plugin.command("enable")
@click.argument("name")
@click.argument("slug")
def plugin_enable(name: str, slug: str) -> None:
    """Switch plugin NAME on for the practice SLUG."""
    _switch(name, slug, on=True)


@plugin.command("disable")
@click.argument("name")
@click.argument("slug")
def plugin_disable(name: str, slug: str) -> None:
    """Switch plugin NAME off for the practice SLUG; its data stays."""
    _switch(name, slug, on=False)


def _switch(name: str, slug: str, *, on: bool) -> None:
    _prepare()
    if name not in plugin_system.registry:
        raise click.ClickException(f"No plugin is called {name}.")
    with (
        tenancy.practice_scope(_practice_id(slug)),
        audit.use_actor(audit.Actor("system", "cli", "careroom")),
        _told(activation.CannotSwitch),
    ):
        (activation.enable if on else activation.disable)(name)
    click.echo(f"{name} is {'on' if on else 'off'} for {slug}")


@main.group("database")
def database_group() -> None:
    """The database's own protection."""


@database_group.command("check")
def database_check() -> None:
    """Say whether PostgreSQL keeps the practices apart by itself; fails when it does not."""
    chosen = _prepare()
    problems = roles.findings()
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(1)
    click.echo("SQLite has no roles." if chosen.is_sqlite else "The database keeps the practices apart.")


main.add_command(files_group)
main.add_command(retention_group)
main.add_command(audit_group)


def _practice_id(slug: str) -> UUID:
    with db.scope(write=False), _told(tenancy.UnknownPractice):
        return tenancy.find_by_slug(slug).id


@contextmanager
def _told(*errors: type[Exception]) -> Iterator[None]:
    """Say what went wrong in a line instead of a traceback."""
    try:
        yield
    except errors as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
