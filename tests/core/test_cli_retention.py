"""``careroom retention`` on a practice of this test."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from core import audit, db, tenancy
from core.settings import Settings
from tests.core.test_cli_files import Shell


@pytest.fixture
def careroom(configured: Settings) -> Shell:
    with db.scope():
        tenancy.create_practice("hillside", "Hillside Practice")
    return Shell(configured)


def line_of(kind: str, output: str) -> list[str]:
    return next(line.split() for line in output.splitlines() if line.startswith(kind))


def test_preview_shows_what_would_be_and_changes_nothing(careroom: Shell) -> None:
    plain = careroom("retention", "preview", "hillside")
    assert plain.exit_code == 0, plain.output
    assert line_of("core.message_bodies", plain.output)[1:3] == ["365", "days"]
    assert line_of("core.originals", plain.output)[1:3] == ["for", "ever"]
    tried = careroom("retention", "preview", "hillside", "--with", "core.originals", "60")
    assert line_of("core.originals", tried.output)[1:5] == ["60", "days", "0", "would"]
    assert careroom("retention", "preview", "hillside").output == plain.output


def test_a_choice_is_kept_and_noted_and_nonsense_refused(careroom: Shell) -> None:
    assert careroom("retention", "set", "hillside", "core.message_bodies", "90").exit_code == 0
    assert line_of("core.message_bodies", careroom("retention", "preview", "hillside").output)[1] == "90"
    assert careroom("retention", "set", "hillside", "core.message_bodies", "ever").exit_code == 0
    assert line_of("core.message_bodies", careroom("retention", "preview", "hillside").output)[1] == "for"
    for wrong in (("core.message_bodies", "1"), ("core.nothing", "30"), ("core.inbox", "soon")):
        refused = careroom("retention", "set", "hillside", *wrong)
        assert refused.exit_code == 1
        assert "Error" in refused.output
    assert careroom("retention", "preview", "nobody").exit_code == 1
    with tenancy.practice_scope(_practice_id(), write=False) as session:
        changes = session.scalars(
            select(audit.AuditEntry).where(audit.AuditEntry.action == "retention.changed")
        )
        assert [entry.actor_id for entry in changes] == ["cli", "cli"]


def test_apply_says_what_went(careroom: Shell) -> None:
    applied = careroom("retention", "apply", "hillside")
    assert (applied.exit_code, applied.output.strip().splitlines()[-1]) == (0, "0 went.")


def _practice_id() -> UUID:
    with db.scope(write=False):
        return tenancy.find_by_slug("hillside").id
