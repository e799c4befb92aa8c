"""What plugins publish for others, hookspecs and slots, and whether a plugin's hooks keep to what is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeGuard, get_args, get_origin, get_type_hints

import pluggy

from core.plugin_system import hookspecs
from core.plugin_system.hookspecs import Contract
from core.plugin_system.manifest import ManifestError, Plugin


def contracts_of(plugin: Plugin) -> dict[str, Contract]:
    """The hooks that a plugin publishes. Raises ManifestError when one could be taken for another's."""
    if plugin.hookspecs is None:
        return {}
    found = {
        name: replace(contract, owner=plugin.name)
        for name, contract in hookspecs.declared_in(plugin.hookspecs).items()
    }
    for name, contract in found.items():
        if not name.startswith(plugin.name + "_"):
            raise ManifestError(f"hook {name} must begin with {plugin.name}_")
        try:
            _ = contract.context
        except Exception as error:  # an annotation may be any text
            raise ManifestError(f"hook {name} needs one argument: ctx, with its type") from error
    return found


def check_slots(plugin: Plugin, contracts: Mapping[str, Contract]) -> None:
    """Raises ManifestError for a slot of another's name, or one that nobody could ask to be filled."""
    for slot in plugin.slots:
        if slot.name.partition(".")[0] != plugin.name or "." not in slot.name:
            raise ManifestError(f"slot {slot.name} must begin with {plugin.name}.")
        if slot.hook not in contracts:
            raise ManifestError(f"slot {slot.name} is filled by {slot.hook}, which no hookspec declares")


def check_hooks(plugin: Plugin, manager: pluggy.PluginManager, contracts: Mapping[str, Contract]) -> None:
    """Raises ManifestError when a hook implementation answers to no contract, or to another type.

    Hooks of a plugin that this one ``uses`` and that is not there wait in vain, and may.
    """
    optional = tuple(f"{name}_" for name in plugin.uses)
    for caller in manager.get_hookcallers(plugin.hooks) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin_name != plugin.name:
                continue
            if caller.name not in contracts:
                if caller.name.startswith(optional):
                    continue
                raise ManifestError(f"implements {caller.name}, which no hookspec declares")
            if implementation.hookwrapper or implementation.wrapper:
                raise ManifestError(f"{caller.name}: hooks are called one by one, so there are no wrappers")
            if complaint := mismatch(implementation.function, contracts[caller.name]):
                raise ManifestError(f"{caller.name}: {complaint}")


def mismatch(function: Callable[..., Any], contract: Contract) -> str | None:
    """How the annotations of an implementation contradict the contract; None when they do not, or are not there."""
    try:
        hints = get_type_hints(function)
    except Exception:  # names that exist for the type checker only: it has seen them
        return None
    taken, answered = hints.get("ctx"), hints.get("return")
    if _is_class(taken) and not issubclass(contract.context, taken):
        return f"is called with {contract.context.__name__}, not {taken.__name__}"
    if contract.item is None or answered is None:
        return None
    if _is_class(answered) and not issubclass(list, answered):
        return f"answers a list of {contract.item.__name__}, not {answered.__name__}"
    inside = next(iter(get_args(answered)), None) if get_origin(answered) is list else None
    if _is_class(inside) and not issubclass(inside, contract.item):
        return f"answers a list of {contract.item.__name__}, not of {inside.__name__}"
    return None


def _is_class(hint: Any) -> TypeGuard[type]:
    return isinstance(hint, type) and hint is not Any
