"""Finds plugins, checks them, puts them in order, and tells the other rooms what they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files as files_of_package
from pathlib import Path
from typing import Any

import pluggy
import structlog

from core import files, i18n, jobs, links, notifications, patient_data, retention
from core.db import mapping, ownership
from core.notifications import staff
from core.patients import import_jobs
from core.plugin_system import data_hookspecs, hookspecs, order, published
from core.plugin_system.hookspecs import Contract
from core.plugin_system.manifest import ManifestError, Plugin
from core.plugin_system.refusals import Refusal
from core.plugin_system.slots import CORE_SLOTS, Slot
from core.plugin_system.surfaces import Routes
from core.settings import Settings

GROUP = "careroom.plugins"
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Registry:
    """The plugins of this process, in order: what a plugin requires or uses comes before it, then the lower
    priority, then the name."""

    plugins: dict[str, Plugin] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=lambda: dict(hookspecs.CONTRACTS))
    slots: dict[str, Slot] = field(default_factory=lambda: {slot.name: slot for slot in CORE_SLOTS})
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
        """Find every installed plugin and take those that fit; the others are listed in ``refused``.

        ``extra`` plugins, which tests make, stand in for installed ones of the same name.
        """
        self.plugins, self.refused, self.manager = {}, [], _new_manager()
        self.contracts = dict(hookspecs.CONTRACTS)
        self.slots = {slot.name: slot for slot in CORE_SLOTS}
        _tell_of_core()
        if settings.safe_mode:
            self.refused = [Refusal(name, "safe mode", "safe_mode") for name, _load in _sources(settings)]
        else:
            found = self._found(settings) | {plugin.name: plugin for plugin in extra}
            for plugin in order.in_order(found, self.refused.append):
                self._take(plugin, found)
        for refusal in self.faults:
            _warn(refusal)

    def refuse(self, name: str, reason: str) -> None:
        """Give up a plugin that was taken, and those that require it, before anybody is served."""
        del self.plugins[name]
        self.manager.unregister(name=name)
        self.contracts = {key: one for key, one in self.contracts.items() if one.owner != name}
        self.slots = {key: slot for key, slot in self.slots.items() if slot.owner != name}
        self.refused.append(Refusal(name, reason, "hooks"))
        _warn(self.refused[-1])
        for other in [plugin.name for plugin in self if name in plugin.requires]:
            if other in self.plugins:
                self.refuse(other, f"requires {name}")

    @property
    def faults(self) -> list[Refusal]:
        """The refusals that somebody should look into; a strict start-up fails over them."""
        return [refusal for refusal in self.refused if refusal.is_fault]

    def _found(self, settings: Settings) -> dict[str, Plugin]:
        found: dict[str, Plugin] = {}
        for name, load in _sources(settings):
            try:
                plugin = mapping.loaded(name, load)
            except ManifestError as error:
                self.refused.append(Refusal(name, str(error), "manifest"))
                continue
            except (
                Exception,
                SystemExit,
            ) as error:  # whatever a plugin raises on import, the platform starts
                self.refused.append(Refusal(name, f"{type(error).__name__}: {error}", "import"))
                continue
            if not isinstance(plugin, Plugin):
                self.refused.append(Refusal(name, "the entry point names no careroom Plugin", "manifest"))
            elif not plugin.fits:
                reason = f"asks for plugin API {plugin.api}"
                self.refused.append(Refusal(plugin.name, reason, "api", (plugin.api,)))
            elif plugin.name in found:
                reason = f"{name} has the name of another plugin"
                self.refused.append(Refusal(plugin.name, reason, "twice", (name,)))
            else:
                found[plugin.name] = plugin
        return found

    def _take(self, plugin: Plugin, found: Iterable[str]) -> None:
        missing = tuple(name for name in plugin.requires if name not in self.plugins)
        if missing:  # it was there when the order was made, and was refused since
            self.refused.append(Refusal(plugin.name, f"requires {', '.join(missing)}", "requires", missing))
            return
        try:
            _check_package(plugin)
            _check_tables(plugin, found)
            _check_names(plugin, self)
            contracts = {**self.contracts, **published.contracts_of(plugin)}
            published.check_slots(plugin, contracts)
            if plugin.hookspecs is not None:
                self.manager.add_hookspecs(plugin.hookspecs)
            if plugin.hooks is not None:
                self.manager.register(plugin.hooks, name=plugin.name)
                published.check_hooks(plugin, self.manager, contracts)
            _tell_of(plugin)
        except (Exception, SystemExit) as error:  # whatever is wrong with a plugin, the platform starts
            self.manager.unregister(name=plugin.name)
            known = isinstance(error, (ManifestError, pluggy.PluginValidationError))
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            self.refused.append(Refusal(plugin.name, reason, "hooks"))
            return
        self.plugins[plugin.name] = plugin
        self.contracts = contracts
        self.slots.update({slot.name: slot for slot in plugin.slots})


def _tell_of_core() -> None:
    """The other rooms know what the core declares, and no plugin."""
    notifications.templates.clear()
    notifications.templates.register(*staff.TEMPLATES)
    jobs.clear()
    links.purposes.clear()
    retention.forget()
    jobs.register(
        *jobs.JOBS, *files.JOBS, *notifications.JOBS, *links.JOBS, *import_jobs.JOBS, *retention.JOBS,
        *patient_data.JOBS,
    )  # fmt: skip
    retention.register(retention.KINDS)


def _tell_of(plugin: Plugin) -> None:
    """The other rooms know what a plugin declares."""
    if folder := plugin.folder("translations"):
        i18n.add_catalogue(folder)
    retention.register(plugin.retention)
    notifications.templates.register(*plugin.templates)
    jobs.register(*plugin.jobs)
    links.purposes.register(*plugin.link_purposes)


def _warn(refusal: Refusal) -> None:
    log.warning("plugin_refused", plugin=refusal.name, reason=refusal.reason)


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.add_hookspecs(data_hookspecs)
    return manager


def _sources(settings: Settings) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is installed: its name, and what loads it."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield point.name, point.load
    for path in settings.plugin_paths:
        yield path, partial(_load, path)


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute or "plugin")


def _check_package(plugin: Plugin) -> None:
    try:
        files_of_package(plugin.package)
    except (ImportError, TypeError) as error:
        raise ManifestError(
            f"package {plugin.package!r} is no package that can be imported: {error}"
        ) from error


def _check_tables(plugin: Plugin, others: Iterable[str]) -> None:
    tables = {table.name: table for table in mapping.tables_of(plugin.package)}
    if problems := ownership.problems_of(plugin.name, tables.values(), others):
        raise ManifestError("; ".join(problems))


def _check_names(plugin: Plugin, others: Iterable[Plugin]) -> None:
    """Each name once: what would be found by it is otherwise one of two."""
    kinds: dict[str, list[str]] = {
        "jobs": [job.kind for job in plugin.jobs],
        "message templates": [template.name for template in plugin.templates],
        "sets of routes": [_name_of(routes) for routes in plugin.routes],
    }
    for what, names in kinds.items():
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ManifestError(f"two {what} are called {', '.join(twice)}")
    taken = {_name_of(routes) for other in others for routes in other.routes}
    if clashing := sorted(taken.intersection(kinds["sets of routes"])):
        raise ManifestError(
            f"routes called {', '.join(clashing)} are there already: give them the plugin's name"
        )


def _name_of(routes: Routes) -> str:
    return str(getattr(routes, "name", ""))


registry = Registry()
