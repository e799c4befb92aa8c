"""``careroom plugin trace`` and ``careroom plugin slots``: what plugins do on a page, and where they may put panels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import click
from flask import Flask, g
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from core import db, plugin_system, settings, tenancy
from core.app import create_app
from core.cli_start import practice_id, prepare
from core.patients import Patient
from core.plugin_system import tracing
from core.plugin_system.tracing import Step, Trace
from core.security import permissions
from core.tenancy import Membership


@click.command("slots")
def slots_command() -> None:
    """List the slots that panels may be put into, the core's and those that plugins publish."""
    prepare()
    for slot in plugin_system.registry.slots.values():
        click.echo(f"{slot.name:24} {slot.context.__name__:16} by {slot.hook}")
        click.echo(f"{'':24} {slot.description}")


@click.command("trace")
@click.argument("slug")
@click.option("--plugin", default=None, help="Only this plugin's hooks and panels.")
@click.option(
    "--page",
    "pages",
    multiple=True,
    help="A page's path (/p/...); nothing said: Today and a patient's workspace.",
)
@click.option(
    "--as", "username", default=None, help="Who looks; nothing said: somebody with the most rights."
)
def trace_command(slug: str, plugin: str | None, pages: tuple[str, ...], username: str | None) -> None:
    """Make pages of the practice SLUG here, without changing anything, and say what each plugin did.

    Printed are names, times, statements and counts: nothing about a patient.
    """
    prepare()
    if plugin is not None and plugin not in plugin_system.registry:
        raise click.ClickException(f"No plugin is called {plugin}.")
    place = practice_id(slug)
    user_id = _looking(place, username)
    app = create_app(settings.current())
    for page in pages or _usual_pages(slug, place):
        with _made(app, page, user_id) as trace:
            pass
        click.echo(f"{_without_ids(page)}: {trace.statements} statements")
        for step in trace.steps:
            if plugin in (None, step.plugin):
                click.echo(_line(step))


def _line(step: Step) -> str:
    what = f"{'  ' * step.inside}{step.plugin} {step.surface}"
    told = f"{step.outcome} {step.reference}".rstrip()
    took, asked = f"{step.seconds * 1000:8.1f} ms", f"{step.statements:4} statements"
    return f"  {what:44} {took} {asked} {step.answered:6} answered  {told}"


@contextmanager
def _made(app: Flask, page: str, user_id: int) -> Iterator[Trace]:
    """The page, made as for this person. The scope that the gate opens is closed without a commit and no answer is
    settled, so nothing is stored, not even that somebody looked: nobody did.
    """
    with app.test_request_context(page), tracing.record() as trace:
        with db.scope(write=False) as session:
            # What Flask-Login keeps for the request: nobody signs in for this.
            g._login_user = session.get(User, user_id)
        try:
            if app.preprocess_request() is not None:
                raise click.ClickException(
                    f"{_without_ids(page)} sends elsewhere: this person may not see it."
                )
            app.dispatch_request()
        except HTTPException as error:
            raise click.ClickException(f"{_without_ids(page)} answers {error.code}.") from None
        yield trace


def _looking(place: UUID, username: str | None) -> int:
    """The user's id. Ends the command when there is nobody."""
    with tenancy.practice_scope(place, write=False) as session:
        wanted = (
            select(User.id)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.practice_id == place, User.active.is_(True))
        )
        if username is not None:
            wanted = wanted.where(User.username == username)
        rights: dict[int, int] = {
            user_id: len(permissions.permissions_of(user_id)) for user_id in session.scalars(wanted)
        }
    if not rights:
        raise click.ClickException(
            "Nobody with this name works there." if username else "Nobody works there."
        )
    return max(rights, key=lambda user_id: (rights[user_id], -user_id))


def _usual_pages(slug: str, place: UUID) -> list[str]:
    with tenancy.practice_scope(place, write=False) as session:
        patient_id = session.scalar(select(Patient.id).where(Patient.active).order_by(Patient.id).limit(1))
    pages = [f"/p/{slug}/"]
    return pages if patient_id is None else [*pages, f"/p/{slug}/patients/{patient_id}"]


def _without_ids(page: str) -> str:
    def shown(part: str) -> str:
        try:
            UUID(part)
        except ValueError:
            return part
        return "…"

    return "/".join(shown(part) for part in page.partition("?")[0].split("/"))
