"""``careroom audit``: is the trail whole, and take it elsewhere."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import click

from core import audit, db, tenancy
from core.cli_start import ACTOR, prepare
from core.web import audit_words

_SINCE = click.option(
    "--since", type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S")), default=None, help="From then on, UTC."
)


@click.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command("verify")
@click.argument("slug")
def verify(slug: str) -> None:
    """Walk the chain of a practice's trail; fails when an entry was changed, removed or put in."""
    result = audit.verify(_practice(slug).id)
    click.echo(str(result))
    if not result.intact:
        sys.exit(1)


@audit_group.command("verify-platform")
def verify_platform() -> None:
    """The same for what happened outside every practice, such as sign-ins that failed."""
    prepare()
    result = audit.verify_platform()
    click.echo(str(result))
    if not result.intact:
        sys.exit(1)


@audit_group.command("export")
@click.argument("slug")
@click.option("--format", "format", type=click.Choice(audit.FORMATS), default="fhir", show_default=True)
@click.option("--patient", type=click.UUID, default=None, help="Entries about this patient only.")
@_SINCE
def export(slug: str, format: str, patient: UUID | None, since: datetime | None) -> None:
    """Write a practice's trail to standard output, oldest first. The export is itself noted in the trail.

    fhir: one FHIR R4B AuditEvent a line. ndjson: one entry a line with its hashes. csv: the same as a table.
    """
    practice = _practice(slug)
    chosen = audit.Filter(patient_id=patient, since=_utc(since))
    with audit.use_actor(ACTOR), tenancy.practice_scope(practice.id):
        audit.record("audit.exported", patient_id=patient, detail={"format": format})
    entries = audit.every(practice.id, chosen)
    for line in audit.lines(entries, cast(audit.Format, format), practice, titles=audit_words.titles()):
        click.echo(line.encode(), nl=False)


@audit_group.command("export-platform")
@click.option("--format", "format", type=click.Choice(audit.FORMATS), default="fhir", show_default=True)
@_SINCE
def export_platform(format: str, since: datetime | None) -> None:
    """The same of what happened outside every practice: sign-ins, sessions, second factors, what operators did."""
    prepare()
    with audit.use_actor(ACTOR), db.scope():
        audit.record_platform("audit.exported", detail={"format": format})
    entries = audit.every_of_platform(audit.Filter(since=_utc(since)))
    for line in audit.lines(entries, cast(audit.Format, format), None, titles=audit_words.titles()):
        click.echo(line.encode(), nl=False)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _practice(slug: str) -> tenancy.Practice:
    prepare()
    with db.scope(write=False) as session:
        try:
            found = tenancy.find_by_slug(slug)
        except tenancy.UnknownPractice as unknown:
            raise click.ClickException(str(unknown)) from None
        session.expunge(found)
        return found
