"""Decides which plugins are on in a practice, from what was chosen; asks no database.

Every answer has a code, and can say itself in a sentence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from core.i18n import _, country_name, ngettext
from core.plugin_system import capabilities
from core.plugin_system.manifest import Plugin

Rule = Literal["", "allow", "deny", "force"]
RULES: Final[tuple[Rule, ...]] = ("", "allow", "deny", "force")

Code = Literal[
    "on", "off", "not_installed", "refused", "safe_mode", "region", "denied_by_operator", "forced_by_operator",
    "needs", "conflicts", "consent_widened",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What is stored about a plugin in a practice; ``agreed`` None: it was switched on before anybody asked."""

    enabled: bool
    rule: str = ""
    agreed: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a plugin is on or off here. ``names``: the titles, countries or capabilities that it is about."""

    on: bool
    code: Code
    names: tuple[str, ...] = ()
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The reason in the reader's language."""
        names = ", ".join(self.names)
        match self.code:
            case "on":
                return _("On for this practice.")
            case "off":
                return _("Off for this practice.")
            case "forced_by_operator":
                return _("On. Whoever runs the platform has decided so for this practice.")
            case "denied_by_operator":
                return _("Off. Whoever runs the platform does not allow it for this practice.")
            case "region":
                return _(
                    "Off. It is made for practices in %(countries)s; this one is in %(country)s.",
                    countries=", ".join(country_name(code) for code in self.names),
                    country=country_name(self.detail),
                )
            case "needs":
                return ngettext(
                    "Off. It needs %(others)s, which is off here.",
                    "Off. It needs %(others)s, which are off here.",
                    len(self.names),
                    others=names,
                )
            case "conflicts":
                return ngettext(
                    "Off. It does not work beside %(others)s, which is on here.",
                    "Off. It does not work beside %(others)s, which are on here.",
                    len(self.names),
                    others=names,
                )
            case "consent_widened":
                return _("Off until somebody here agrees: its new version asks for more.")
            case "not_installed":
                return _("Off. It is not installed.")
            case "safe_mode":
                return _("Off. The system was started without plugins to look for a fault.")
            case "refused":
                return _("Off. %(reason)s", reason=self.detail)


def resolve(
    plugins: Iterable[Plugin],
    choices: Mapping[str, Choice],
    country: str,
    reserved: Collection[str] = (),
) -> dict[str, Reason]:
    """The reason of every plugin, in their order: what one requires has been decided before it is.

    reserved: plugins that only those practices get whom the operator allows them.
    """
    reasons: dict[str, Reason] = {}
    on: dict[str, Plugin] = {}
    known = list(plugins)
    titles = {plugin.name: str(plugin.title) for plugin in known}
    for plugin in known:
        reason = _decide(
            plugin, choices.get(plugin.name) or Choice(plugin.default_on), on, country, reserved, titles
        )
        reasons[plugin.name] = reason
        if reason.on:
            on[plugin.name] = plugin
    # What waits for somebody's word may be kept off by something that came after it, which is not to go off for it.
    for plugin in known:
        if reasons[plugin.name].code in ("off", "consent_widened") and (rivals := _rivals(plugin, on)):
            reasons[plugin.name] = Reason(False, "conflicts", tuple(titles[name] for name in rivals))
    return reasons


def _decide(
    plugin: Plugin,
    choice: Choice,
    on: Mapping[str, Plugin],
    country: str,
    reserved: Collection[str],
    titles: Mapping[str, str],
) -> Reason:
    if plugin.regions and country not in plugin.regions:
        return Reason(False, "region", plugin.regions, country)
    if choice.rule == "deny" or (plugin.name in reserved and choice.rule not in ("allow", "force")):
        return Reason(False, "denied_by_operator")
    if missing := tuple(titles.get(name, name) for name in plugin.requires if name not in on):
        return Reason(False, "needs", missing)
    if not choice.enabled and choice.rule != "force":
        return Reason(False, "off")
    if rivals := _rivals(plugin, on):
        return Reason(False, "conflicts", tuple(titles[name] for name in rivals))
    if choice.agreed is not None and (more := capabilities.keys(plugin.capabilities) - choice.agreed):
        return Reason(False, "consent_widened", tuple(sorted(more)))
    return Reason(True, "forced_by_operator" if choice.rule == "force" else "on")


def _rivals(plugin: Plugin, on: Mapping[str, Plugin]) -> list[str]:
    return [name for name, other in on.items() if name in plugin.conflicts or plugin.name in other.conflicts]
