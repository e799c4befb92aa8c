"""What makes a manifest one that cannot be taken: each check yields sentences that say what to change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from core.plugin_system.capabilities import Calls, Capability

if TYPE_CHECKING:
    from core.plugin_system.manifest import Plugin

_COUNTRY = re.compile(r"[A-Z]{2}")
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")
_SENDS = {"sms": Capability.SENDS_SMS, "email": Capability.SENDS_EMAIL}


def relations(plugin: Plugin) -> Iterator[str]:
    """How it stands to other plugins."""
    if plugin.name in {*plugin.requires, *plugin.uses, *plugin.conflicts}:
        yield "it cannot name itself among requires, uses or conflicts"
    for name in sorted({*plugin.requires, *plugin.uses} & {*plugin.conflicts}):
        yield f"it cannot both need {name} and be in conflict with it"


def places(plugin: Plugin) -> Iterator[str]:
    """Where and in which languages it is offered."""
    for country in plugin.regions:
        if not _COUNTRY.fullmatch(country):
            yield f"{country!r} among regions is no country code such as 'GB'"
    for locale in plugin.locales:
        if not _LOCALE.fullmatch(locale):
            yield f"{locale!r} among locales is no language such as 'fr' or 'fr-CA'"


def capabilities(plugin: Plugin) -> Iterator[str]:
    """What it asks a practice to agree to covers what it brings."""
    for item in plugin.capabilities:
        if not isinstance(item, (Capability, Calls)):
            yield f"{item!r} is no capability: use Capability or calls(host)"
            return
    if plugin.default_on and plugin.capabilities:
        yield "a plugin that is on by default can ask for no capability: a practice has to agree to those"
    for template in plugin.templates:
        for channel in template.channels:
            if _SENDS[channel] not in plugin.capabilities:
                yield f"template {template.name!r} needs Capability.{_SENDS[channel].name}"


def settings(plugin: Plugin) -> Iterator[str]:
    """The settings can be made from nothing, shown as a form, and carried from version to version."""
    model: Any = plugin.settings
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield "settings must be a pydantic model"
        return
    for name, info in model.model_fields.items():
        if holds(info.annotation, BaseModel):
            yield f"setting {name!r} holds a model of its own: settings are flat"
        elif holds(info.annotation, SecretStr) and not _is_secret(info.annotation):
            yield f"setting {name!r} holds secrets inside another type: use SecretStr alone"
    try:
        model()
    except ValidationError as error:
        wrong = ", ".join(sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]}))
        yield f"settings need defaults that fit: {wrong or error}"
    except Exception as error:
        yield f"settings cannot be made: {type(error).__name__}: {error}"
    if plugin.settings_version < 1 or set(plugin.settings_migrations) != set(
        range(1, plugin.settings_version)
    ):
        steps = f"1 to {plugin.settings_version - 1}" if plugin.settings_version > 1 else "nothing"
        yield f"settings_version {plugin.settings_version} needs settings_migrations from {steps}"
    names = [test.name for test in plugin.settings_tests]
    if len(set(names)) < len(names):
        yield "two settings_tests have the same name"


def _is_secret(annotation: Any) -> bool:
    optional = get_origin(annotation) in (Union, UnionType)
    return annotation is SecretStr or (optional and SecretStr in get_args(annotation))


def holds(annotation: Any, wanted: type) -> bool:
    """Is a type annotation this class, or has it among its parts?"""
    if isinstance(annotation, type) and not get_args(annotation):
        return issubclass(annotation, wanted)
    return any(holds(part, wanted) for part in get_args(annotation))
