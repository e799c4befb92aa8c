"""Which of the offered languages a browser's owner would rather read."""

from collections.abc import Iterable

from core.i18n.languages import PSEUDO_LANGUAGES


def best_language(accept_header: str, offered: Iterable[str]) -> str:
    """The offered tag that Accept-Language likes best; the first one offered when none is liked.

    "fr-CA" is content with "fr" or "fr-FR"; a pseudo-language has to be asked for by its whole name.
    """
    tags = list(offered)
    exact = {tag.lower(): tag for tag in tags}
    by_language: dict[str, str] = {}
    for tag in tags:
        if tag not in PSEUDO_LANGUAGES:
            by_language.setdefault(tag.lower().partition("-")[0], tag)
    for wanted in _by_preference(accept_header):
        found = exact.get(wanted) or by_language.get(wanted.partition("-")[0])
        if found:
            return found
    return tags[0]


def _by_preference(header: str) -> list[str]:
    """Tags with a weight above zero, the heaviest first, in the header's order where they weigh the same."""
    weighted: list[tuple[float, str]] = []
    for item in header[:1000].split(
        ","
    ):  # a browser's header is short; a hostile one need not be read to its end
        tag, _, weight = item.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if tag and 0 < quality <= 1:
            weighted.append((quality, tag.strip().lower()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
