"""Stored settings of an earlier version, brought to the present one."""

from __future__ import annotations

from typing import Any

from core.plugin_system.manifest import Plugin


class MigrationFailed(Exception):
    """A plugin could not bring stored settings to its present version; the stored ones are untouched."""


def carried(plugin: Plugin, version: int, values: dict[str, Any]) -> dict[str, Any]:
    """The values as the present version has them. Raises MigrationFailed.

    Secrets are readable in here, so that a step may rename or split one.
    """
    for step in range(version, plugin.settings_version):
        try:
            values = plugin.settings_migrations[step](dict(values))
        except Exception as error:
            raise MigrationFailed(f"{plugin.name}: from {step} to {step + 1}: {error!r}") from error
        if not isinstance(values, dict):
            raise MigrationFailed(f"{plugin.name}: from {step} to {step + 1}: answered no dict")
    return values
