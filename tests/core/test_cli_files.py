"""``careroom files`` on a practice with photos in it."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from core import db, files, jobs, settings, tenancy
from core.cli import main
from core.files import keys
from core.files.models import DataKey
from core.settings import Settings, new_master_key
from tests.core.files import pictures_of


class Shell:
    """Runs commands in this process, with an environment that starts from this test's settings."""

    def __init__(self, chosen: Settings) -> None:
        self.environment = {
            "CAREROOM_ENVIRONMENT": "test",
            "CAREROOM_DATA_DIR": str(chosen.data_dir),
            "CAREROOM_DATABASE_URL": chosen.database_url,
            "CAREROOM_SECRET_KEY": chosen.secret_key.get_secret_value(),
            "CAREROOM_MASTER_KEY": chosen.master_key.get_secret_value(),
        }

    def __call__(self, *arguments: str) -> Result:
        keys.forget()
        return CliRunner().invoke(main, list(arguments), env=self.environment)


@pytest.fixture
def careroom(configured: Settings) -> Shell:
    return Shell(configured)


@pytest.fixture
def practice(configured: Settings) -> UUID:
    jobs.register(*files.JOBS)
    with db.scope():
        practice_id = tenancy.create_practice("hillside", "Hillside Practice").id
    with db.scope(practice_id, write=False):
        files.receive(io.BytesIO(pictures_of.jpeg()), owner="photo_request", name="x.jpg")
    jobs.run_due()
    return practice_id


def blobs() -> list[Path]:
    root = Path(settings.current().blob_url.removeprefix("file://"))
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_check_passes_what_is_whole_and_fails_on_what_is_not(careroom: Shell, practice: UUID) -> None:
    whole = careroom("files", "check")
    assert (whole.exit_code, "2 blobs" in whole.stdout) == (0, True), whole.stderr
    blobs()[0].unlink()
    blobs()[0].write_bytes(b"rubbish")
    broken = careroom("files", "check", "--practice", "hillside")
    assert broken.exit_code == 1
    assert "missing" in broken.stdout
    assert "damaged" in broken.stdout
    assert "2 problems" in broken.stdout
    nobody = careroom("files", "check", "--practice", "nobody")
    assert (nobody.exit_code, "No practice has the slug nobody" in nobody.stderr) == (1, True)


def test_rotate_keys_leaves_the_work_to_the_worker(careroom: Shell, practice: UUID) -> None:
    rotated = careroom("files", "rotate-keys", "--practice", "hillside")
    assert rotated.exit_code == 0, rotated.stderr
    with db.scope(practice, write=False) as session:
        newest = session.scalars(select(DataKey.id).order_by(DataKey.generation.desc())).first()
    assert str(newest) in rotated.stdout
    before = blobs()
    while jobs.run_due():
        pass
    assert len(set(blobs()) - set(before)) == 2


def test_rotate_master_needs_a_key_and_takes_old_ones_along(careroom: Shell, practice: UUID) -> None:
    for nonsense in ("", "short", "é"):
        careroom.environment["CAREROOM_NEW_MASTER_KEY"] = nonsense
        refused = careroom("files", "rotate-master")
        assert (refused.exit_code, "CAREROOM_NEW_MASTER_KEY must be" in refused.stderr) == (1, True)
    new = new_master_key()
    careroom.environment["CAREROOM_NEW_MASTER_KEY"] = new
    rotated = careroom("files", "rotate-master")
    assert rotated.exit_code == 0, rotated.stderr
    assert rotated.stdout.startswith("1 data keys")
    assert careroom("files", "check").exit_code == 1
    careroom.environment |= {"CAREROOM_OLD_MASTER_KEYS": new}
    assert careroom("files", "check").exit_code == 0
    careroom.environment |= {"CAREROOM_MASTER_KEY": new, "CAREROOM_OLD_MASTER_KEYS": ""}
    assert careroom("files", "check").exit_code == 0
    careroom.environment |= {"CAREROOM_MASTER_KEY": new_master_key()}
    careroom.environment["CAREROOM_NEW_MASTER_KEY"] = new_master_key()
    lost = careroom("files", "rotate-master")
    assert (lost.exit_code, "hillside" in lost.stderr) == (1, True)


def test_sweep_takes_what_no_row_knows(careroom: Shell, practice: UUID) -> None:
    stray = blobs()[0].with_name("0" * 30)
    stray.write_bytes(b"nobody's")
    assert careroom("files", "sweep").stdout.startswith("0 orphans")
    assert careroom("files", "sweep", "--older-than", "0").stdout.startswith("1 orphans")
    assert not stray.exists()
    assert len(blobs()) == 2
