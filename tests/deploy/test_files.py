"""What deploy/ holds fits the program: every variable is a setting, every command and option exists."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from core import cli
from core.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
_VARIABLE = re.compile(r"\bCAREROOM_[A-Z_]+\b")
# The first names the file that the settings are in; the second is read by one command alone.
_SEEN_BY_NO_SETTING = {"CAREROOM_ENV_FILE", "CAREROOM_NEW_MASTER_KEY"}


def _texts() -> list[Path]:
    found = [path for path in DEPLOY.rglob("*") if path.is_file() and path.name != "environment"]
    return [
        *sorted(path for path in found if "certificates" not in path.parts),
        ROOT / "docs" / "operators.md",
    ]


@pytest.mark.parametrize("path", _texts(), ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    known = {f"CAREROOM_{name.upper()}" for name in Settings.model_fields} | _SEEN_BY_NO_SETTING
    named = {name for name in _VARIABLE.findall(path.read_text()) if not name.endswith("_")}
    assert named - known == set()


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def _parse(arguments: list[str]) -> None:
    """As `careroom` parses its command line; runs nothing. Raises click.UsageError."""
    command: click.Command = cli.main
    while isinstance(command, click.Group):
        name, command_found, arguments = command.resolve_command(click.Context(command), arguments)
        assert command_found is not None, name
        command = command_found
    command.make_context(command.name, list(arguments), resilient_parsing=False)


def test_every_command_in_the_compose_file_exists() -> None:
    ours = {
        name: service
        for name, service in _compose()["services"].items()
        if service.get("image") == "careroom"
    }
    assert ours.keys() == {"migrate", "web1", "web2", "worker"}
    for service in ours.values():
        _parse(service["command"])


def test_the_parts_of_the_compose_file_fit_together() -> None:
    compose = _compose()
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            is_there = (
                source in compose["volumes"] or source == "./certificates" or (DEPLOY / source).exists()
            )
            assert is_there, source
        assert "/" not in service["image"].partition(":")[0]  # no registry is chosen for anybody
    build = services["web1"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_every_variable_of_the_compose_services_suits_production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CAREROOM_")]:
        monkeypatch.delenv(name)
    given = dict(
        line.partition("=")[::2]
        for line in (DEPLOY / "environment.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    given |= {"CAREROOM_SECRET_KEY": "s" * 40, "CAREROOM_MASTER_KEY": "A" * 43}
    for name, value in {**given, **_compose()["services"]["web1"]["environment"]}.items():
        monkeypatch.setenv(name, value)
    chosen = Settings()
    assert chosen.environment == "production"
    assert not chosen.is_open_house
    assert chosen.trusted_proxies == 1


def test_the_container_file_copies_what_is_there_and_starts_what_exists() -> None:
    lines = (DEPLOY / "container" / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "COPY" and not rest.startswith("--from"):
            *sources, _target = rest.split()
            assert all((ROOT / source).exists() for source in sources), line
        if word == "CMD":
            _parse(yaml.safe_load(rest))
        if word == "FROM":
            assert "/" not in rest


def test_nginx_of_the_compose_file_gets_a_site_that_names_its_services(tmp_path: Path) -> None:
    script = (DEPLOY / "container" / "nginx.conf.sh").read_text()
    script = script.replace("    /careroom.conf >", f"    {DEPLOY}/nginx/careroom.conf >")
    script = script.replace("/etc/nginx/conf.d/default.conf", str(tmp_path / "site"))
    subprocess.run(
        ["sh", "-c", script], check=True, env={"SITE_NAME": "care.test", "PATH": os.environ["PATH"]}
    )
    site = (tmp_path / "site").read_text()
    assert re.findall(r"^    server (\S+)", site, re.MULTILINE) == ["web1:8000", "web2:8000"]
    assert re.findall(r"server_name (\S+);", site) == ["care.test", "care.test"]
    assert "/etc/letsencrypt/live/careroom/fullchain.pem" in site
    assert "example.org" not in re.sub(r"(?m)^#.*", "", site)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_starts_what_exists_and_is_fenced_in(unit: Path) -> None:
    text = unit.read_text()
    (started,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    inner = started.partition("careroom ")[2].rstrip("'").replace("%i", "8000")
    _parse(list(shlex.split(inner)))
    for option in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "UMask=0077",
                   "User=careroom", "CapabilityBoundingSet="):  # fmt: skip
        assert f"\n{option}\n" in text, option


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for path in (DEPLOY / "systemd").iterdir():
        text = re.sub(r"/opt/careroom/\.venv/bin/careroom", "/bin/true", path.read_text())
        (tmp_path / path.name.replace("@.", "@8000.")).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "careroom" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr
