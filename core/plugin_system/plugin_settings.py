"""A plugin's settings in the current practice: a pydantic model, stored as what differs from its defaults."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from core import audit
from core.plugin_system import activation
from core.plugin_system.manifest import Plugin
from core.plugin_system.registry import registry


def load(plugin: Plugin) -> BaseModel:
    """The settings that hold here. Stored values that no longer fit fall back to the defaults, one by one."""
    stored = dict(activation.decided().settings.get(plugin.name, {}))
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
    row.settings = settings.model_dump(mode="json", exclude_defaults=True)
    names = sorted(
        name for name in type(settings).model_fields if getattr(settings, name) != getattr(before, name)
    )
    audit.record("plugin.settings_changed", detail={"plugin": plugin.name, "fields": ", ".join(names)})
    activation.changed()
    return settings
