"""``careroom``: run it, and look after it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import click
from alembic.util import CommandError
from sqlalchemy import select

from core import cli_plan, db, i18n, plugin_system, settings, tenancy
from core.cli_audit import audit_group
from core.cli_authoring import check, new, translate
from core.cli_files import files_group
from core.cli_patient_data import erase_practice, export_practice, patient_group
from core.cli_plugin_trace import slots_command, trace_command
from core.cli_plugins import plugin_group, refuse_to_go_on
from core.cli_purge import purge
from core.cli_retention import retention_group
from core.cli_start import bring_up_to_date, prepare, told
from core.db import copies, roles, stepping
from core.db import migrate as migrations
from core.security import users


@click.group()
@click.version_option(package_name="careroom")
def main() -> None:
    """Careroom: remote patient care for practices."""


@main.command()
@click.option("--port", type=int, default=8000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--fresh", is_flag=True, help="Forget an earlier demo first.")
def demo(port: int, folder: Path, fresh: bool) -> None:
    """Set up and serve two practices with invented patients, on SQLite, on this machine only."""
    from core import demo as demonstration

    environment = demonstration.environment(folder, port, fresh=fresh)
    os.environ.update(environment)
    prepare()
    bring_up_to_date()
    accounts = demonstration.seed()
    demonstration.furnish()
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
@click.option("--safe-mode", is_flag=True, help="Start without any plugin, to look for a fault.")
@click.option("--strict", is_flag=True, help="Do not start when a plugin was refused.")
def serve(
    host: str | None,
    port: int | None,
    workers: int,
    job_workers: int,
    no_worker: bool,
    safe_mode: bool,
    strict: bool,
) -> None:
    """Serve the web application; the database must have been migrated.

    A process that dies is started again. SIGHUP replaces them one by one (for new code), SIGTERM stops.
    """
    if safe_mode:
        os.environ["CAREROOM_SAFE_MODE"] = "1"  # the processes beside and below read it, too
    chosen = prepare()
    if strict:
        refuse_to_go_on()
    if workers > 1 and not chosen.redis_url:
        raise click.ClickException(
            "Several web processes share sockets and rate limits: set CAREROOM_REDIS_URL."
        )
    if not migrations.is_current(plugin_system.registry.branches()):
        raise click.ClickException("The database is not up to date: run `careroom migrate` first.")
    with told(db.NotProtected):
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
        roles.check_at_boot(prepare())

    with told(db.NotProtected):
        Worker(chosen, load=load).run()


@main.command()
@click.option(
    "--plan", is_flag=True, help="Only say what would be done: SQL, locks, rows in the way, leftovers."
)
@click.option(
    "--down", default=None, metavar="TARGET", help="With --plan: of going back, as photo_request@base."
)
def migrate(plan: bool, down: str | None) -> None:
    """Bring the database to the newest schema and write the permissions of core and plugins."""
    prepare()
    if plan:
        cli_plan.show(plugin_system.registry.branches(), down)
        return
    if down is not None:
        raise click.UsageError("--down belongs to --plan. A plugin's tables go by `careroom plugin purge`.")
    with told(
        db.NotProtected, stepping.NotItsOwn, migrations.BlockingKey, migrations.BrokenKeys, CommandError
    ):
        bring_up_to_date()
    click.echo(f"The database stands at {', '.join(sorted(migrations.applied()))}.")


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Write database and files into one archive TARGET; safe while serving. Keep the master key elsewhere."""
    from core import backup as archives

    chosen = prepare()
    with told(archives.BackupRefused, copies.CopyFailed, OSError):
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

    chosen = prepare()
    branches = plugin_system.registry.branches()
    with told(archives.BackupRefused, copies.CopyFailed, db.NotProtected, OSError):
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
    prepare()
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
    prepare()
    with db.scope(), told(ValueError):
        i18n.set_time_zone(fields["time_zone"] or "")
        language = i18n.whole_tag(fields.pop("language") or "")
        made = tenancy.create_practice(slug, name, language=language, **fields)
        click.echo(f"{made.slug}  {made.id}")


@practice.command("list")
def practice_list() -> None:
    """List the practices."""
    prepare()
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
    prepare()
    with db.scope(), told(users.UserRefused, tenancy.UnknownPractice):
        made = users.create_user(username, email, first_name, last_name, password)
        for name in role:
            users.add_membership(tenancy.find_by_slug(slug or ""), made, name)
    click.echo(username)


@main.group("database")
def database_group() -> None:
    """The database's own protection."""


@database_group.command("check")
def database_check() -> None:
    """Say whether PostgreSQL keeps the practices apart by itself; fails when it does not."""
    chosen = prepare()
    problems = roles.findings()
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(1)
    click.echo("SQLite has no roles." if chosen.is_sqlite else "The database keeps the practices apart.")


main.add_command(files_group)
main.add_command(retention_group)
main.add_command(audit_group)
main.add_command(plugin_group)
main.add_command(patient_group)
plugin_group.add_command(purge)
practice.add_command(export_practice)
practice.add_command(erase_practice)
for command in (new, check, translate, slots_command, trace_command):
    plugin_group.add_command(command)


if __name__ == "__main__":
    main()
