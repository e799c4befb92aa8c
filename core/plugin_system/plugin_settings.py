"""A plugin's settings in the current practice: a pydantic model, stored as what differs from its defaults.

Values of an earlier version are brought to the present one when they are read, and stored so when they are next
saved. What cannot be read falls back to the defaults, says so, and stays in the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from core import audit, db
from core.i18n import LazyString, _
from core.plugin_system import activation, manifest_checks, secrets
from core.plugin_system.manifest import Plugin
from core.plugin_system.registry import registry
from core.plugin_system.remembered import Bounded
from core.plugin_system.settings_migration import MigrationFailed, carried

_KEPT: Final = 5
log = structlog.get_logger(__name__)


def section(title: LazyString) -> dict[str, Any]:
    """For a field of a plugin's settings: the heading it stands under, as pydantic's ``json_schema_extra``."""
    return {"section": title}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something stored that could not be used. ``fields``: which, where it is about some only."""

    code: Literal["migration", "newer", "unfit", "secret"]
    fields: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The same in words, for the practice admin."""
        match self.code:
            case "migration":
                return _(
                    "What your practice set could not be carried over to the new version: the usual settings hold."
                )
            case "newer":
                return _("These settings were saved by a newer version of the plugin. Please check them.")
            case "secret":
                return _("A stored secret can no longer be read. Please enter it again.")
            case "unfit":
                return _("Some of what your practice set no longer fits: the usual value holds there.")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings that hold here, and what of the stored ones could not be used."""

    settings: BaseModel
    problems: tuple[Problem, ...] = ()


_told: Bounded[tuple[UUID, str, int], bool] = Bounded(1_000)


def read(plugin: Plugin) -> Loaded:
    """The settings that hold here, with what is wrong with the stored ones."""
    stored = activation.stored_settings(plugin.name)
    if stored is None:
        return Loaded(plugin.settings())
    values, unreadable = _opened(plugin, stored.values)
    problems = [Problem("secret", unreadable)] if unreadable else []
    if stored.version > plugin.settings_version:
        problems.append(Problem("newer"))
    try:
        values = carried(plugin, stored.version, values)
    except MigrationFailed as error:
        _tell(plugin, stored.version, error)
        return Loaded(plugin.settings(), (*problems, Problem("migration")))
    settings, unfit = _fitting(plugin, values)
    if unfit:
        problems.append(Problem("unfit", unfit))
    return Loaded(settings, tuple(problems))


def load(plugin: Plugin) -> BaseModel:
    """The settings that hold here. Stored values that no longer fit fall back to the defaults, one by one."""
    return read(plugin).settings


def of(name: str) -> BaseModel:
    """The settings of an installed plugin by its name. Raises KeyError."""
    return load(registry.get(name))


def save(plugin: Plugin, values: dict[str, Any]) -> BaseModel:
    """Store these settings for the current practice. Raises pydantic's ValidationError; nothing is stored then.

    What was stored and could not be used is kept in the row beside them.
    """
    settings = plugin.settings.model_validate(values)
    before = read(plugin)
    row = activation.stored(plugin.name)
    if before.problems and row.settings:
        earlier = (row.settings_kept or {}).get("earlier", [])
        kept = {"version": row.settings_version, "values": row.settings, "until": db.utcnow().isoformat()}
        row.settings_kept = {"earlier": [*earlier, kept][-_KEPT:]}
    row.settings, row.settings_version = _sealed(plugin, settings), plugin.settings_version
    names = sorted(
        name
        for name in type(settings).model_fields
        if getattr(settings, name) != getattr(before.settings, name)
    )
    audit.record("plugin.settings_changed", detail={"plugin": plugin.name, "fields": ", ".join(names)})
    activation.changed()
    return settings


def _fitting(plugin: Plugin, values: dict[str, Any]) -> tuple[BaseModel, tuple[str, ...]]:
    """The settings made of the values that fit, and the names of those that do not."""
    left, dropped = dict(values), set[str]()
    while True:
        try:
            return plugin.settings.model_validate(left), tuple(sorted(dropped))
        except ValidationError as error:
            wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]} & left.keys()
            if not wrong:
                return plugin.settings(), tuple(sorted(values))
            dropped |= wrong
            for name in wrong:
                del left[name]


def _tell(plugin: Plugin, version: int, error: MigrationFailed) -> None:
    """Once for each practice and version: settings are read many times an hour."""
    key = (db.practice_id(), plugin.name, version)
    if _told.get(key) is None:
        _told.put(key, True)
        log.error("plugin_settings_migration_failed", plugin=plugin.name, version=version, exc_info=error)


def _sealed(plugin: Plugin, settings: BaseModel) -> dict[str, Any]:
    """What goes into the row: plain JSON, and each secret encrypted."""
    stored = settings.model_dump(mode="json", exclude_defaults=True)
    for name in stored:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            stored[name] = secrets.seal(value.get_secret_value(), plugin.name, name)
    return stored


def _opened(plugin: Plugin, stored: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The row's values with secrets readable, and the names of those that cannot be opened.

    A text setting may begin like a sealed one: what does not open and is declared as no secret is what was typed.
    """
    opened: dict[str, Any] = {}
    unreadable: list[str] = []
    for name, value in stored.items():
        try:
            opened[name] = secrets.unseal(value, plugin.name, name) if secrets.is_sealed(value) else value
        except secrets.SecretUnreadable:
            field = plugin.settings.model_fields.get(name)
            if field is not None and not manifest_checks.holds(field.annotation, SecretStr):
                opened[name] = value
                continue
            log.error("plugin_secret_unreadable", plugin=plugin.name, field=name)
            unreadable.append(name)
    return opened, tuple(unreadable)
