"""Plugins with hooks of their own, and an archive looked into."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from core import audit
from core.patient_data import PatientExport, exports
from core.patients import get
from core.plugin_system import hookimpl, registry
from tests.support.house import House
from tests.support.plugins import installer, make

HELEN = audit.Actor("staff", "7", "Helen Price")


@dataclass
class Unzipped:
    """A ZIP's members by name. Checked on the way in: each is what the manifest says."""

    members: dict[str, bytes]
    manifest: dict[str, Any]

    def json(self, name: str) -> Any:
        return json.loads(self.members[name])

    def text(self, name: str = "index.html") -> str:
        return self.members[name].decode()


def unzip(data: bytes) -> Unzipped:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None
        members = {name: zipped.read(name) for name in zipped.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    told = {name: (one["size"], one["sha256"]) for name, one in manifest["members"].items()}
    assert told == {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()}
    return Unzipped(members, manifest)


@pytest.fixture
def export_of(house: House) -> Callable[[UUID, UUID], PatientExport]:
    """Ask for a patient's export and let the worker work."""

    def run(practice_id: UUID, patient_id: UUID) -> PatientExport:
        with house.at(practice_id), audit.use_actor(HELEN):
            export_id = exports.request(get(patient_id)).id
        house.work()
        with house.at(practice_id, write=False):
            found = exports.get(export_id)
        assert found is not None
        return found

    return run


@pytest.fixture
def fetched(house: House) -> Callable[[PatientExport], Unzipped]:
    """What an export holds."""

    def run(export: PatientExport) -> Unzipped:
        with house.at(export.practice_id), audit.use_actor(HELEN):
            found = exports.get(export.id)
            assert found is not None
            stream = exports.open_archive(found)
        with stream:
            return unzip(stream.read())

    return run


@pytest.fixture
def install(house: House) -> Iterator[Callable[..., None]]:
    """Install a plugin with these hooks (name -> function); it is on nowhere."""

    def run(name: str, **hooks: Callable[..., Any]) -> None:
        module = ModuleType(f"hooks_of_{name}")
        for hook, function in hooks.items():
            setattr(module, hook, hookimpl(function, specname=hook))
        installer(house.settings)(make(name, hooks=module))

    yield run
    registry.load(house.settings)
