"""The plugin seam: manifest, hook contracts, registry, activation per practice, isolated dispatch."""

from core.plugin_system import activation, plugin_settings
from core.plugin_system.activation import CannotSwitch, PluginState
from core.plugin_system.capabilities import Capability, calls
from core.plugin_system.contexts import (
    FileContext,
    LineContext,
    LinkContext,
    NotificationContext,
    PatientContext,
    StaffContext,
)
from core.plugin_system.dispatch import call
from core.plugin_system.hookspecs import hookimpl
from core.plugin_system.manifest import ManifestError, Permission, Plugin, SettingsPage, SettingsTest
from core.plugin_system.registry import Registry, registry
from core.plugin_system.surfaces import Action, LineDay, NavItem, Panel

__all__ = [
    "Action",
    "CannotSwitch",
    "Capability",
    "FileContext",
    "LineContext",
    "LineDay",
    "LinkContext",
    "ManifestError",
    "NavItem",
    "NotificationContext",
    "Panel",
    "PatientContext",
    "Permission",
    "Plugin",
    "PluginState",
    "Registry",
    "SettingsPage",
    "SettingsTest",
    "StaffContext",
    "activation",
    "call",
    "calls",
    "hookimpl",
    "plugin_settings",
    "registry",
]
