"""What was done, in words: each room of the house, and each plugin, says at import what its codes mean.

audit.describe({"photo_request.sent": _l("Photo request sent")})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.i18n import LazyString

Trail = Literal["practice", "platform"]
_words: dict[str, LazyString] = {}
_on: dict[Trail, set[str]] = {"practice": set(), "platform": set()}


def describe(words: Mapping[str, LazyString], *, on: Trail = "practice") -> None:
    """Say in words what these actions are, as a past event: "Photo request sent". Saying it again replaces it.

    on: the trail that they are noted on; what is noted on both is described for each.
    """
    _words.update(words)
    _on[on].update(words)


def described(on: Trail | None = None) -> dict[str, str]:
    """Every action that has words, or those of one trail, in the reader's language."""
    return {action: str(words) for action, words in _words.items() if on is None or action in _on[on]}


def in_words(action: str, titles: Mapping[str, object] | None = None) -> str:
    """The action in the reader's language. titles: what plugins are called, by name.

    An action without words, of a plugin that has none or that is gone, is its plugin's title and the code's own words.
    """
    if (said := _words.get(action)) is not None:
        return str(said)
    owner, _dot, what = action.partition(".")
    title = (titles or {}).get(owner, owner.replace("_", " ").capitalize())
    return f"{title}: {what.replace('_', ' ').replace('.', ' ')}" if what else str(title)
