"""Outside of this repository: Careroom from its wheel, and plugins that are installed by pip beside it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.core.authoring import clean as environments
from tests.core.authoring.clean import ROOT, Clean
from tests.support.running import eventually
from tests.support.servers import free_port

pytestmark = pytest.mark.timeout(900)
DIARY = ROOT / "examples" / "careroom-symptom-diary"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    return environments.make(tmp_path_factory.mktemp("clean"))


def test_the_demonstration_runs_from_the_wheel_alone(clean: Clean, tmp_path: Path) -> None:
    where = clean.run(clean.python, "-c", "import core; print(core.__file__)", cwd=tmp_path).stdout
    assert Path(where.strip()).is_relative_to(clean.packages)
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        demo = subprocess.Popen(
            [clean.folder / "bin" / "careroom", "demo", "--port", str(port), "--folder", "demo"],
            cwd=tmp_path, env=clean.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        eventually(lambda: demo.poll() is not None or answers(f"http://127.0.0.1:{port}/readyz"), 120)
        assert demo.poll() is None, (tmp_path / "log").read_text()
        french = {"Accept-Language": "fr"}
        page = answers(f"http://127.0.0.1:{port}/login", french)
        assert "Mot de passe" in page, "the core's translations are there"
        for asset in ("vendor/socket.io.esm.min.js", "css/staff.css", "js/bus.js"):
            assert answers(f"http://127.0.0.1:{port}/static/{asset}")
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(30)


def answers(url: str, headers: dict[str, str] | None = None) -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def test_a_new_plugin_passes_its_own_checks_at_once(clean: Clean, tmp_path: Path) -> None:
    made = clean.run("careroom", "plugin", "new", "question_box", cwd=tmp_path)
    project = tmp_path / "careroom-question-box"
    assert "is ready" in made.stdout
    clean.pip("install", "-q", "--no-deps", "-e", project)
    try:
        said = clean.run("./ci.sh", cwd=project, TIER="silver", CAREROOM_AXE="").stdout
    finally:
        clean.pip("uninstall", "-q", "-y", "careroom-question-box")
    assert "4 passed" in said
    assert "Success: no issues found" in said
    assert "question_box is silver." in said, "no browser: the next test's is enough"


_KEEP_A_DIARY = """
from core import audit, tenancy, patients, db
from core.cli_start import prepare
from datetime import date
prepare()
from careroom_symptom_diary import sample
with db.scope(write=False):
    here = tenancy.find_by_slug("north").id
with tenancy.practice_scope(here), audit.use_actor(audit.Actor("staff", "1", "Ada")):
    who = patients.create(given_names="Ida", family_name="Berg", birth_date=date(1950, 1, 2), sex="female",
                          mobile="+447700900121").id
with audit.use_actor(audit.Actor("staff", "1", "Ada")):
    sample.make(here, who)
"""


def test_the_symptom_diary_comes_and_goes(clean: Clean, tmp_path: Path) -> None:
    """Installed by pip, on for one practice, gold, taken away and purged: nothing of it is left."""
    project = tmp_path / "project"
    shutil.copytree(DIARY, project, ignore=shutil.ignore_patterns("*.egg-info", "build", ".*_cache", "*.mo"))
    clean.run("careroom", "plugin", "translate", project / "careroom_symptom_diary", cwd=tmp_path)
    clean.pip("install", "-q", "--no-deps", project)
    try:
        assert "16 passed" in clean.run(clean.python, "-m", "pytest", "-q", cwd=project).stdout

        report = clean.run(
            "careroom", "plugin", "check", "symptom_diary", "--json", cwd=tmp_path, check=False
        )
        found = json.loads(report.stdout)
        wrong = [one for one in found["rules"] if one["outcome"] not in ("holds", "nothing_to_do")]
        if shutil.which("chromium") is None:
            assert [one["outcome"] for one in wrong] == ["not_measured"]
        else:
            assert (found["tier"], wrong) == ("gold", [])

        said = {"CAREROOM_ENVIRONMENT": "development", "CAREROOM_DATA_DIR": str(tmp_path / "var"),
                "CAREROOM_SECRET_KEY": "s" * 48, "CAREROOM_MASTER_KEY": "A" * 43}  # fmt: skip
        for command in (
            ("migrate",),
            ("practice", "create", "north", "North Surgery"),
            ("practice", "create", "south", "South Surgery"),
            ("plugin", "enable", "symptom_diary", "north"),
        ):
            clean.run("careroom", *command, cwd=tmp_path, **said)
        states = {
            slug: clean.run("careroom", "plugin", "list", slug, cwd=tmp_path, **said).stdout
            for slug in ("north", "south")
        }
        assert re.search(r"^symptom_diary +on ", states["north"], re.MULTILINE)
        assert re.search(r"^symptom_diary +off ", states["south"], re.MULTILINE)
        clean.run(clean.python, "-c", _KEEP_A_DIARY, cwd=tmp_path, **said)
        (database,) = (tmp_path / "var").glob("*.db")
        assert rows_of(database, "symptom_diary_entry") == 7
    finally:
        clean.pip("uninstall", "-q", "-y", "careroom-symptom-diary")
    purge = ("plugin", "purge", "symptom_diary", "--everywhere", "--to", tmp_path / "kept", "--yes")
    clean.run("careroom", *purge, cwd=tmp_path, **said)
    assert rows_of(database, "symptom_diary_entry") is None
    assert list((tmp_path / "kept").iterdir()), "what went was exported first"
    with sqlite3.connect(database) as connection:
        names = "SELECT name FROM sqlite_master WHERE name LIKE '%symptom_diary%'"
        assert connection.execute(names).fetchall() == []
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall()
    clean.run("careroom", "migrate", cwd=tmp_path, **said)


def rows_of(database: Path, table: str) -> int | None:
    """How many rows a table has; None when there is no such table."""
    with sqlite3.connect(database) as connection:
        try:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        except sqlite3.OperationalError:
            return None
