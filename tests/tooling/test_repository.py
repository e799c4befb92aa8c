"""What the repository promises about itself: pins, lock file, SQL, and a strict run that nobody can slip through."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.tooling import registry_hosts, sql_text, vendor

ROOT = Path(__file__).resolve().parents[2]


def test_every_declared_package_is_pinned_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    for requirement in map(Requirement, declared):
        version = pins.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} has no pin: run python -m scripts.tooling.pins"
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_lock_file_pins_contents_and_names_no_host() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    locked = {name: entry for name, entry in packages.items() if name}
    assert len(locked) > 20
    for name, entry in locked.items():
        assert "resolved" not in entry, f"{name} says where it was fetched from"
        assert entry["integrity"].startswith("sha512-"), name


def test_registry_in_a_tracked_file_is_found() -> None:
    host = ".".join(["registry", "npmjs", "org"])
    assert list(registry_hosts.findings(f"a\nurl = https://{host}/x")) == [(2, host)]
    resolved = '"resolved"' + ': "https:'  # in two pieces, or the check would find this line
    assert list(registry_hosts.findings(f'{resolved}//mirror.local/x.tgz"')) == [(1, resolved)]
    assert list(registry_hosts.findings("See the documentation of the registry.")) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("from sqlalchemy import text", "imports sqlalchemy's text"),
        ("from sqlalchemy.sql.expression import literal_column", "imports sqlalchemy's literal_column"),
        ("import sqlalchemy as sa\nsa.text('SELECT 1')", "uses sqlalchemy's text"),
        ("session.execute('SELECT 1')", "executes a string"),
        ("session.scalar(f'SELECT {x}')", "executes a string"),
        ("select(Patient.__table__)", "takes the Core table of a model"),
        ("connection.exec_driver_sql(query)", "uses exec_driver_sql"),
        ("db.engine().connect()", "uses the engine itself"),
        ("session.get_bind()", "uses get_bind"),
        ("from sqlalchemy import create_engine", "imports sqlalchemy's create_engine"),
        ("from core.db.engine import engine", "imports from core.db.engine"),
    ],
)
def test_way_around_the_tenant_guard_is_found(code: str, reason: str) -> None:
    assert [found for _, found in sql_text.findings(ast.parse(code))] == [reason]


def test_other_things_called_text_are_left_alone() -> None:
    code = "from sqlalchemy import select\nTemplate(text=x)\nmessage.text\nsession.execute(select(Patient))"
    assert list(sql_text.findings(ast.parse(code))) == []


def test_vendor_modules_export_what_pages_import() -> None:
    script = (
        'const tus = await import("./tus.esm.min.js"); const io = await import("./socket.io.esm.min.js");'
        "console.log(typeof tus.Upload, typeof io.io)"
    )
    node = ROOT / ".venv/bin/node"
    done = subprocess.run(
        [str(node) if node.exists() else "node", "--input-type=module", "-e", script],
        cwd=vendor.VENDOR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["function", "function"], done.stderr
    assert (vendor.VENDOR / "htmx.esm.min.js").read_text().endswith("export default htmx;\n")


SKIPS = """
import pytest

@pytest.mark.skip(reason="marked")
def test_marked(): pass

def test_inside(): pytest.skip("inside")

@pytest.fixture
def absent(): pytest.skip("no server")

def test_fixture(absent): pass

@pytest.mark.xfail(strict=True)
def test_expected_to_fail(): assert False
"""


@pytest.mark.parametrize(
    ("file", "strict", "outcome"),
    [
        ("test_skips.py", "0", "3 skipped, 1 xfailed"),
        ("test_skips.py", "1", "1 failed, 1 xfailed, 2 errors"),
        ("test_module.py", "0", "1 skipped"),
        ("test_module.py", "1", "1 error"),
    ],
)
def test_skip_fails_where_nothing_may_be_skipped(
    tmp_path: Path, file: str, strict: str, outcome: str
) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.strictness"]\n')
    (tmp_path / "test_skips.py").write_text(SKIPS)
    (tmp_path / "test_module.py").write_text('import pytest\npytest.importorskip("no_such_module_at_all")\n')
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", file],
        cwd=tmp_path,
        env=os.environ | {"CAREROOM_TEST_STRICT": strict, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert (done.returncode in (1, 2)) == (strict == "1"), done.stdout
