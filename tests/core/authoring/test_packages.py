"""Outside of this repository: Careroom from its wheel, and plugins that are installed by pip beside it."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.core.authoring import clean as environments
from tests.core.authoring.clean import ROOT, Clean
from tests.support.running import eventually
from tests.support.servers import free_port

pytestmark = pytest.mark.timeout(600)
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
        said = clean.run("./ci.sh", cwd=project, TIER="silver").stdout
    finally:
        clean.pip("uninstall", "-q", "-y", "careroom-question-box")
    assert "4 passed" in said
    assert "Success: no issues found" in said
    assert "question_box is gold." in said or "not measured" in said
