"""What a plugin says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel

from core.i18n import LazyString
from core.plugin_system import manifest_checks
from core.plugin_system.capabilities import AnyCapability
from core.tenancy.roles import Role

if TYPE_CHECKING:
    from core.jobs import Job
    from core.links import LinkPurpose
    from core.notifications import Template
    from core.plugin_system.slots import Slot
    from core.plugin_system.surfaces import Routes
    from core.realtime.socket_events import SocketEvent
    from core.retention import Kind

API_VERSION = Version("1.0")
Quality = Literal["", "bronze", "silver", "gold"]
Migration = Callable[[dict[str, Any]], dict[str, Any]]
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
RESERVED = frozenset(
    {"core", "admin", "patients", "panels", "static", "account", "patient", "today", "slots"}
)


class ManifestError(ValueError):
    """A manifest that cannot be taken; the message says what to change."""


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


@dataclass(frozen=True, slots=True)
class SettingsTest:
    """A button beside the settings that tries them: "Send a test text", "Ask the provider whether the key works".

    name: unique within the plugin. run: takes the settings as they stand in the form, saved or not, and answers a
    sentence that says what happened; it raises Refused to say what is wrong. With ``ask``, the label of one line
    of text, it takes what was typed there as well. It runs in no transaction: it opens ``own_scope()`` for what
    it stores and calls other hosts outside.
    """

    name: str
    title: LazyString | str
    run: Callable[..., str]
    ask: LazyString | str | None = None
    help: LazyString | str = ""


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """A page of the plugin's own that belongs to its settings, which link to it: a list to look after, pictures to
    upload. endpoint: of one of its staff routes without arguments; permission: that route's.
    """

    title: LazyString | str
    endpoint: str
    permission: str
    help: LazyString | str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin's manifest.

    package: the import name that its templates, static files, migrations and translations are found under.
    hooks: a module whose functions are marked with ``hookimpl``.
    slots, hookspecs: the slots and the module of hooks that it publishes for other plugins.
    requires, uses, conflicts: names of other plugins: needed, optional, and not beside this one.
    regions: country codes of the practices that it is made for, () for all. locales: the languages it speaks.
    capabilities: what a practice agrees to when it switches the plugin on; asked again when a version adds one.
    settings_version: raised when stored settings have to be changed; ``settings_migrations[n]`` takes the stored
    values of version n and answers those of n + 1.
    priority: among plugins that do not need each other the lower comes first, then the name decides.

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
    conflicts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    priority: int = 100
    quality: Quality = ""
    capabilities: tuple[AnyCapability, ...] = ()
    settings: type[BaseModel] = NoSettings
    settings_version: int = 1
    settings_migrations: Mapping[int, Migration] = field(default_factory=dict)
    settings_tests: tuple[SettingsTest, ...] = ()
    settings_pages: tuple[SettingsPage, ...] = ()
    permissions: tuple[Permission, ...] = ()
    routes: Sequence[Routes] = ()
    link_purposes: tuple[LinkPurpose, ...] = ()
    templates: tuple[Template, ...] = ()
    jobs: tuple[Job, ...] = ()
    socket_events: tuple[SocketEvent, ...] = ()
    retention: tuple[Kind, ...] = ()
    hooks: ModuleType | None = None
    slots: tuple[Slot, ...] = ()
    hookspecs: ModuleType | None = None
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
        for problem in (
            *manifest_checks.relations(self),
            *manifest_checks.places(self),
            *manifest_checks.capabilities(self),
            *manifest_checks.settings(self),
        ):
            raise ManifestError(f"{self.name}: {problem}")

    def _named(self) -> list[tuple[str, str]]:
        return [
            *(("permission", item.name) for item in self.permissions),
            *(("link purpose", item.name) for item in self.link_purposes),
            *(("template", item.name) for item in self.templates),
            *(("job", item.kind) for item in self.jobs),
            *(("socket event", item.name) for item in self.socket_events),
            *(("kind of data", item.name) for item in self.retention),
            *(("slot", item.name) for item in self.slots),
            *(("settings page", item.endpoint) for item in self.settings_pages),
        ]

    @property
    def fits(self) -> bool:
        """Does this platform's plugin API satisfy what the plugin asks for?"""
        return API_VERSION in SpecifierSet(self.api)

    def folder(self, name: str) -> Path | None:
        """A folder of the package ("translations", "migrations"), or None when it has none."""
        path = Path(str(files(self.package))) / name
        return path if path.is_dir() else None
