"""What a plugin says of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel

from core.i18n import LazyString, _l
from core.tenancy.roles import Role

if TYPE_CHECKING:
    from core.jobs import Job
    from core.links import LinkPurpose
    from core.notifications import Template
    from core.plugin_system.surfaces import Routes
    from core.realtime.socket_events import SocketEvent
    from core.retention import Kind

API_VERSION = Version("1.0")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
RESERVED = frozenset({"core", "admin", "patients", "panels", "static", "account"})


class ManifestError(ValueError):
    """A manifest that cannot be taken; the message says what to change."""


class Capability(StrEnum):
    """What a plugin can do with a practice's data. Shown to the practice admin before it is switched on."""

    READS_PATIENTS = "reads_patients"
    SENDS_SMS = "sends_sms"
    SENDS_EMAIL = "sends_email"
    STORES_FILES = "stores_files"

    @property
    def label(self) -> LazyString:
        """The same in words."""
        return _CAPABILITY_LABELS[self]


_CAPABILITY_LABELS = {
    Capability.READS_PATIENTS: _l("Reads patients' names and contact data"),
    Capability.SENDS_SMS: _l("Sends text messages"),
    Capability.SENDS_EMAIL: _l("Sends e-mails"),
    Capability.STORES_FILES: _l("Stores pictures or documents"),
}


@dataclass(frozen=True, slots=True)
class Permission:
    """A right, named ``<owner>.<verb>``, and the roles that have it to begin with."""

    name: str
    title: LazyString | str
    roles: tuple[Role, ...] = ()

    @property
    def owner(self) -> str:
        return self.name.partition(".")[0]


class NoSettings(BaseModel):
    """The settings of a plugin that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin's manifest. ``package`` is the import name that its templates, static files, migrations and
    translations are found under; ``hooks`` a module whose functions are marked with ``hookimpl``.

    Raises ManifestError when made with something that the platform cannot take.
    """

    name: str
    title: LazyString | str
    version: str
    api: str
    package: str
    summary: LazyString | str = ""
    icon: str = "puzzle"
    requires: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    settings: type[BaseModel] = NoSettings
    permissions: tuple[Permission, ...] = ()
    routes: Sequence[Routes] = ()
    link_purposes: tuple[LinkPurpose, ...] = ()
    templates: tuple[Template, ...] = ()
    jobs: tuple[Job, ...] = ()
    socket_events: tuple[SocketEvent, ...] = ()
    retention: tuple[Kind, ...] = ()
    hooks: ModuleType | None = None
    default_on: bool = field(default=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ManifestError(f"{self.name!r} cannot name a plugin: use lower_case words, not a core name")
        try:
            Version(self.version)
            SpecifierSet(self.api)
        except (InvalidVersion, InvalidSpecifier) as error:
            raise ManifestError(f"{self.name}: {error}") from error
        for what, name in self._named():
            if name.partition(".")[0] != self.name or "." not in name:
                raise ManifestError(f"{self.name}: {what} {name!r} must begin with '{self.name}.'")
        for routes in self.routes:
            if routes.owner != self.name:
                raise ManifestError(f"{self.name}: routes of {routes.owner!r} belong to another plugin")

    def _named(self) -> list[tuple[str, str]]:
        return [
            *(("permission", item.name) for item in self.permissions),
            *(("link purpose", item.name) for item in self.link_purposes),
            *(("template", item.name) for item in self.templates),
            *(("job", item.kind) for item in self.jobs),
            *(("socket event", item.name) for item in self.socket_events),
            *(("kind of data", item.name) for item in self.retention),
        ]

    @property
    def fits(self) -> bool:
        """Does this platform's plugin API satisfy what the plugin asks for?"""
        return API_VERSION in SpecifierSet(self.api)

    def folder(self, name: str) -> Path | None:
        """A folder of the package ("translations", "migrations"), or None when it has none."""
        path = Path(str(files(self.package))) / name
        return path if path.is_dir() else None
