"""The plugin author's reference, written from what the code says: hooks, contexts, slots, manifest, rules."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from core import sdk
from core.authoring.check import RULES
from core.authoring.rules import TIERS
from core.i18n import LazyString, use_language
from core.plugin_system import Plugin, registry
from core.plugin_system.hookspecs import Contract
from core.plugin_system.slots import CORE_SLOTS
from core.plugin_system.surfaces import Action, NavItem, Panel

POLICIES: Final = {
    "isolate": "a failure is logged and counted, the others go on",
    "veto": "an exception stops what was about to happen",
    "required": "an exception fails what asked for it",
}
_HEAD: Final = """# Reference for plugin authors

Written by `scripts/reference write` from the code's own docstrings and contracts; do not edit it by hand.
The guide is [README.md](README.md).
"""


def render() -> str:
    """The whole page."""
    with use_language("en"):
        contracts = sorted(registry.contracts.values(), key=lambda one: (one.owner, _line(one)))
        core_hooks = [one for one in contracts if one.owner == "core"]
        contexts = dict.fromkeys(one.context for one in core_hooks)
        parts = [
            _HEAD,
            "## Manifest\n",
            _class(Plugin, "Plugin"),
            "## Hooks\n",
            "A function of the manifest's `hooks` module, marked with `@hookimpl`, with one argument `ctx`.\n",
            *(_hook(one) for one in core_hooks),
            "## Contexts\n",
            *(_class(context, context.__name__) for context in contexts),
            "## What hooks answer\n",
            *(_class(one, one.__name__) for one in _answers(core_hooks)),
            "## Slots\n",
            "| Slot | What belongs there | Context |\n|---|---|---|",
            *(f"| `{s.name}` | {s.description} | `{s.context.__name__}` |" for s in CORE_SLOTS),
            "\nPlugins publish more: `careroom plugin slots` lists those that are installed.\n",
            "## core.sdk\n",
            "Everything that a plugin may import of Careroom.\n",
            *_names(),
            "\n## Rules of `careroom plugin check`\n",
            "| Tier | Rule | What holds |\n|---|---|---|",
            *(f"| {r.tier} | `{r.name}` | {r.promise} |" for tier in TIERS for r in RULES if r.tier == tier),
        ]
    return "\n".join(parts) + "\n"


def _hook(contract: Contract) -> str:
    answer = f"a list of `{contract.item.__name__}`" if contract.item else "nothing"
    owned = " Only the plugin that the subject belongs to is called." if contract.owned else ""
    return "\n".join(
        [
            f"### {contract.name}\n",
            f"```python\n@hookimpl\ndef {contract.name}{_signature(contract)}: ...\n```",
            _prose(contract.spec.__doc__),
            f"\nAnswers {answer}. `{contract.policy}`: {POLICIES[contract.policy]}."
            f" Budget: {contract.budget:g} s.{owned}\n",
        ]
    )


def _signature(contract: Contract) -> str:
    item = f"list[{contract.item.__name__}]" if contract.item else "None"
    return f"(ctx: {contract.context.__name__}) -> {item}"


def _line(contract: Contract) -> tuple[bool, int]:
    return contract.spec.__module__.rpartition(".")[2] != "hookspecs", inspect.getsourcelines(contract.spec)[
        1
    ]


def _answers(contracts: list[Contract]) -> list[type]:
    found = [Panel, Action, NavItem, *(one.item for one in contracts if one.item)]
    return list(dict.fromkeys(found))


def _class(model: type, name: str) -> str:
    lines = [f"### {name}\n", _prose(model.__doc__), ""]
    if dataclasses.is_dataclass(model):
        lines += ["| Field | Type | Default |\n|---|---|---|", *_fields(model), ""]
    return "\n".join(lines)


def _fields(model: Any) -> Iterator[str]:
    for field in dataclasses.fields(model):
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        default = "" if field.default is dataclasses.MISSING else _said(field.default)
        if field.default_factory is not dataclasses.MISSING:
            default = _said(field.default_factory())
        yield f"| `{field.name}` | `{kind.replace('|', chr(92) + '|')}` | {default} |"


def _said(value: object) -> str:
    if isinstance(value, type):
        return f"`{value.__name__}`"
    return f"`{str(value)!r}`" if isinstance(value, LazyString) else f"`{value!r}`"


def _names() -> Iterator[str]:
    by_place: dict[str, list[str]] = {}
    for name in sdk.__all__:
        found = getattr(sdk, name)
        place = found.__name__ if inspect.ismodule(found) else getattr(found, "__module__", "") or ""
        by_place.setdefault(_room(place), []).append(f"`{name}`")
    for place, names in sorted(by_place.items()):
        yield f"- {place}: {', '.join(names)}"


def _room(module: str) -> str:
    if not module.startswith("core"):
        return "Flask and others"
    return ".".join(module.split(".")[:2])


def _prose(text: str | None) -> str:
    """A docstring as Markdown: ``code`` and :role:`code` as `code`."""
    plain = textwrap.dedent(inspect.cleandoc(text or ""))
    plain = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", plain)
    return re.sub(r"``([^`]+)``", r"`\1`", plain)


def undocumented() -> list[str]:
    """The hooks whose docstring does not say when they are called; and contexts without one."""
    contracts = registry.contracts.values()
    wrong = [one.name for one in contracts if len(_prose(one.spec.__doc__)) < 80]
    return wrong + [str(get_type_hints(one.spec)["ctx"]) for one in contracts if not one.context.__doc__]
