"""A plugin's settings in the current practice: a pydantic model, stored as what differs from its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from core import audit
from core.plugin_system import activation, secrets
from core.plugin_system.manifest import Plugin
from core.plugin_system.registry import registry

log = structlog.get_logger(__name__)


def load(plugin: Plugin) -> BaseModel:
    """The settings that hold here. Stored values that no longer fit fall back to the defaults, one by one."""
    known = activation.stored_settings(plugin.name)
    stored = _opened(plugin, known.values if known is not None else {})
    while True:
        try:
            return plugin.settings.model_validate(stored)
        except ValidationError as error:
            wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]} & stored.keys()
            if not wrong:
                return plugin.settings()
            for name in wrong:
                del stored[name]


def of(name: str) -> BaseModel:
    """The settings of an installed plugin by its name. Raises KeyError."""
    return load(registry.get(name))


def save(plugin: Plugin, values: dict[str, Any]) -> BaseModel:
    """Store these settings for the current practice. Raises pydantic's ValidationError; nothing is stored then."""
    settings = plugin.settings.model_validate(values)
    before = load(plugin)
    row = activation.stored(plugin.name)
    row.settings = _sealed(plugin, settings)
    names = sorted(
        name for name in type(settings).model_fields if getattr(settings, name) != getattr(before, name)
    )
    audit.record("plugin.settings_changed", detail={"plugin": plugin.name, "fields": ", ".join(names)})
    activation.changed()
    return settings


def _sealed(plugin: Plugin, settings: BaseModel) -> dict[str, Any]:
    """What goes into the row: plain JSON, and each secret encrypted."""
    stored = settings.model_dump(mode="json", exclude_defaults=True)
    for name in stored:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            stored[name] = secrets.seal(value.get_secret_value(), plugin.name, name)
    return stored


def _opened(plugin: Plugin, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The row's values with secrets readable; one that cannot be opened falls back to its default."""
    opened: dict[str, Any] = {}
    for name, value in stored.items():
        try:
            opened[name] = secrets.unseal(value, plugin.name, name) if secrets.is_sealed(value) else value
        except secrets.SecretUnreadable:
            log.error("plugin_secret_unreadable", plugin=plugin.name, field=name)
    return opened
