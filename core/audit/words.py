"""What was done, in words: each room of the house, and each plugin, says at import what its codes mean.

audit.describe({"photo_request.sent": _l("Photo request sent")})
"""

from __future__ import annotations

from collections.abc import Mapping

from core.i18n import LazyString

_words: dict[str, LazyString] = {}


def describe(words: Mapping[str, LazyString]) -> None:
    """Say in words what these actions are, as a past event: "Photo request sent". Saying it again replaces it."""
    _words.update(words)


def described() -> dict[str, str]:
    """Every action that has words, in the reader's language."""
    return {action: str(words) for action, words in _words.items()}


def in_words(action: str, titles: Mapping[str, object] | None = None) -> str:
    """The action in the reader's language. titles: what plugins are called, by name.

    An action without words, of a plugin that has none or that is gone, is its plugin's title and the code's own words.
    """
    if (said := _words.get(action)) is not None:
        return str(said)
    owner, _dot, what = action.partition(".")
    title = (titles or {}).get(owner, owner.replace("_", " ").capitalize())
    return f"{title}: {what.replace('_', ' ').replace('.', ' ')}" if what else str(title)
