"""Finds plugins, checks them, puts them in order, and tells the other rooms what they declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pluggy
import structlog

from core import db, files, i18n, jobs, links, notifications, retention
from core.patients import import_jobs
from core.plugin_system import hookspecs
from core.plugin_system.manifest import ManifestError, Plugin
from core.settings import Settings

GROUP = "careroom.plugins"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A plugin that was found and not taken, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class Registry:
    """The plugins of this process, in order: what a plugin requires or uses comes before it, then by name."""

    plugins: dict[str, Plugin] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    manager: pluggy.PluginManager = field(default_factory=lambda: _new_manager())

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self.plugins.values())

    def __contains__(self, name: object) -> bool:
        return name in self.plugins

    def get(self, name: str) -> Plugin:
        """The plugin of this name. Raises KeyError."""
        return self.plugins[name]

    def branches(self) -> dict[str, Path]:
        """The migrations folder of each plugin that has one, by plugin."""
        found = {plugin.name: plugin.folder("migrations") for plugin in self}
        return {name: folder for name, folder in found.items() if folder is not None}

    def load(self, settings: Settings, extra: Iterable[Plugin] = ()) -> None:
        """Find every installed plugin and take those that fit; the others are listed in ``refused``."""
        self.plugins, self.refused, self.manager = {}, [], _new_manager()
        if not settings.safe_mode:
            found = {plugin.name: plugin for plugin in [*self._found(settings), *extra]}
            for plugin in _in_order(found, self._refuse):
                self._take(plugin)
        for refusal in self.refused:
            log.warning("plugin_refused", plugin=refusal.name, reason=refusal.reason)
        self._tell()

    def _refuse(self, name: str, reason: str) -> None:
        self.refused.append(Refusal(name, reason))

    def _found(self, settings: Settings) -> Iterator[Plugin]:
        sources: list[tuple[str, Any]] = [
            (point.name, point.load) for point in sorted(entry_points(group=GROUP), key=lambda p: p.name)
        ]
        sources += [(path, lambda path=path: _load(path)) for path in settings.plugin_paths]
        for name, load in sources:
            try:
                plugin = load()
            except Exception as error:  # whatever a plugin raises on import, the platform starts
                self._refuse(name, f"{type(error).__name__}: {error}")
                continue
            if not isinstance(plugin, Plugin):
                self._refuse(name, "the entry point names no careroom Plugin")
            elif not plugin.fits:
                self._refuse(plugin.name, f"asks for plugin API {plugin.api}")
            else:
                yield plugin

    def _take(self, plugin: Plugin) -> None:
        try:
            _check_tables(plugin)
            if plugin.hooks is not None:
                self.manager.register(plugin.hooks, name=plugin.name)
                self.manager.check_pending()
        except (ManifestError, pluggy.PluginValidationError) as error:
            self.manager.unregister(name=plugin.name)
            self._refuse(plugin.name, str(error))
            return
        self.plugins[plugin.name] = plugin

    def _tell(self) -> None:
        notifications.templates.clear()
        jobs.clear()
        links.purposes.clear()
        retention.forget()
        jobs.register(
            *jobs.JOBS, *files.JOBS, *notifications.JOBS, *links.JOBS, *import_jobs.JOBS, *retention.JOBS
        )
        retention.register(retention.KINDS)
        for plugin in self:
            retention.register(plugin.retention)
            notifications.templates.register(*plugin.templates)
            jobs.register(*plugin.jobs)
            links.purposes.register(*plugin.link_purposes)
            if folder := plugin.folder("translations"):
                i18n.add_catalogue(folder)


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute or "plugin")


def _check_tables(plugin: Plugin) -> None:
    prefix = plugin.package + "."
    for mapper in db.Base.registry.mappers:
        model = mapper.class_
        if model.__module__.startswith(prefix) and not model.__tablename__.startswith(plugin.name + "_"):
            raise ManifestError(f"table {model.__tablename__} must begin with {plugin.name}_")


def _in_order(found: dict[str, Plugin], refuse: Any) -> list[Plugin]:
    """Dependencies first, then by name; whatever misses a requirement or stands in a circle is refused."""
    done: dict[str, Plugin] = {}
    waiting = dict(sorted(found.items()))
    while True:
        ready = [
            plugin
            for plugin in waiting.values()
            if all(name in done for name in plugin.requires)
            and all(name in done or name not in waiting for name in plugin.uses)
        ]
        if not ready:
            break
        done[ready[0].name] = waiting.pop(ready[0].name)
    for plugin in waiting.values():
        missing = [name for name in plugin.requires if name not in found]
        reason = f"requires {', '.join(missing)}" if missing else "its requirements form a circle"
        refuse(plugin.name, reason)
    return list(done.values())


registry = Registry()
