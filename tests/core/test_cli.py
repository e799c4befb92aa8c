"""The command line, as an operator uses it on an empty machine.

What starts or is refused before it starts runs in a process of its own; the rest in the tests' process, which need
not import everything for each command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from core import db, demo
from core.cli import main


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Runs ``careroom`` with the settings of a folder and no others."""

    def __init__(self, folder: Path) -> None:
        self.environment = {**demo.environment(folder, 8000), "CAREROOM_ENVIRONMENT": "development"}

    def __call__(self, *arguments: str) -> Said:
        others: dict[str, str | None] = {
            name: None for name in os.environ if name.startswith("CAREROOM_") and name not in self.environment
        }
        done = CliRunner().invoke(main, list(arguments), env={**others, **self.environment})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    def process(self, *arguments: str) -> Said:
        """The same in a process of its own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CAREROOM_")}
        done = subprocess.run(
            [sys.executable, "-m", "core.cli", *arguments],
            env={**inherited, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def careroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """An installation that was migrated and has one practice."""
    shell = Shell(tmp_path_factory.mktemp("cli"))
    before = shell.process("serve", "--port", "1")
    assert before.returncode == 1
    assert "careroom migrate" in before.stderr, "an empty database is not served"
    migrated = shell.process("migrate")
    assert migrated.returncode == 0, migrated.stderr
    made = shell.process("practice", "create", "hillside", "Hillside Practice")
    assert made.returncode == 0, made.stderr
    yield shell
    db.dispose()


def test_migrating_twice_is_as_good_as_once(careroom: Shell) -> None:
    assert careroom("migrate").returncode == 0


def test_practices_are_listed(careroom: Shell) -> None:
    assert "Hillside Practice" in careroom("practice", "list").stdout


def test_a_slug_that_no_url_could_carry_is_refused(careroom: Shell) -> None:
    answer = careroom.process("practice", "create", "Hill Side", "x")
    assert answer.returncode != 0
    assert "a slug has 1 to 40" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(careroom("practice", "list").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--language", "english", "no language here"),
        ("--language", "de-DE", "no language here"),
        ("--language", "fr-XX", "no language here"),
        ("--time-zone", "Europe/Lundun", "no time zone is called"),
        ("--time-zone", "", "no time zone is called"),
    ],
)
def test_a_practice_is_not_made_with_what_nobody_could_read(
    careroom: Shell, option: str, value: str, said: str
) -> None:
    answer = careroom("practice", "create", "meadow", "Meadow", option, value)
    assert (answer.returncode, said in answer.stderr) == (1, True)
    assert "Meadow" not in careroom("practice", "list").stdout


def test_a_user_gets_a_role(careroom: Shell) -> None:
    answer = careroom(
        "user", "create", "hana", "hana@example.com", "--first-name", "Hana", "--last-name", "Sato",
        "--practice", "hillside", "--role", "clinician", "--password", "a-long-password",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    again = careroom(
        "user", "create", "hana", "other@example.com", "--first-name", "H", "--last-name", "S",
        "--password", "a-long-password",
    )  # fmt: skip
    assert again.returncode != 0
    assert "somebody is called hana" in again.stderr


def test_plugins_are_switched_for_one_practice_and_the_trail_knows(careroom: Shell) -> None:
    assert "photo_request" in careroom("plugin", "list").stdout
    assert " off " in careroom("plugin", "list", "hillside").stdout
    assert careroom("plugin", "enable", "photo_request", "hillside").returncode == 0
    assert " on " in careroom("plugin", "list", "hillside").stdout
    verified = careroom("audit", "verify", "hillside")
    assert verified.returncode == 0, verified.stdout
    assert careroom("plugin", "disable", "photo_request", "hillside").returncode == 0
    unknown = careroom("plugin", "enable", "nothing", "hillside")
    assert "No plugin is called nothing" in unknown.stderr


def test_why_a_plugin_is_on_or_off_is_said(careroom: Shell) -> None:
    def why(name: str) -> str:
        return careroom("plugin", "why", name, "hillside").stdout.strip()

    assert why("photo_request") == "photo_request: Off for this practice. [off]"
    assert why("nothing") == "nothing: Off. It is not installed. [not_installed]"
    denied = careroom("plugin", "deny", "photo_request", "hillside")
    assert denied.returncode == 0, denied.stderr
    assert why("photo_request").endswith("[denied_by_operator]")
    refused = careroom("plugin", "enable", "photo_request", "hillside")
    assert refused.returncode == 1
    assert "does not allow it" in refused.stderr
    assert careroom("plugin", "force", "photo_request", "hillside").returncode == 0
    assert why("photo_request").endswith("[forced_by_operator]")
    assert careroom("plugin", "disable", "photo_request", "hillside").returncode == 1
    assert "Off for this practice." in careroom("plugin", "allow", "photo_request", "hillside").stdout


def test_a_refused_plugin_fails_only_who_is_strict(careroom: Shell) -> None:
    careroom.environment["CAREROOM_PLUGIN_PATHS"] = '["nowhere.to_be_found"]'
    try:
        listed = careroom("plugin", "list")
        assert listed.returncode == 0
        assert "refused: ModuleNotFoundError" in listed.stdout
        strict = careroom.process("plugin", "list", "--strict")
        assert strict.returncode == 1
        assert "nowhere.to_be_found" in strict.stderr
        serving = careroom.process("serve", "--strict", "--port", "1")
        assert serving.returncode == 1
        assert "These plugins were refused" in serving.stderr
    finally:
        del careroom.environment["CAREROOM_PLUGIN_PATHS"]
    assert careroom("plugin", "list", "--strict").returncode == 0


def test_safe_mode_lists_what_it_left_out(careroom: Shell) -> None:
    careroom.environment["CAREROOM_SAFE_MODE"] = "1"
    try:
        assert "refused: safe mode" in careroom("plugin", "list", "--strict").stdout
        said = careroom("plugin", "why", "photo_request", "hillside").stdout
    finally:
        del careroom.environment["CAREROOM_SAFE_MODE"]
    assert "[safe_mode]" in said


def test_an_unknown_practice_is_said_so(careroom: Shell) -> None:
    answer = careroom("plugin", "list", "nowhere")
    assert answer.returncode == 1
    assert "No active practice has the slug nowhere" in answer.stderr


def test_keys_are_fresh_and_fit_the_settings(careroom: Shell) -> None:
    first, second = careroom.process("keys").stdout, careroom.process("keys").stdout
    assert first != second
    assert {line.partition("=")[0] for line in first.splitlines()} == {
        "CAREROOM_SECRET_KEY",
        "CAREROOM_MASTER_KEY",
    }
