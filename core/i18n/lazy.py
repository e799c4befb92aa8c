"""A message that waits: written at import time, translated each time somebody reads it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from core.i18n.messages import gettext

if TYPE_CHECKING:
    # For the type checker it is a string: it may stand wherever the text of one is asked for (pydantic titles,
    # form labels). At run time it is not, on purpose: C code that reads a str's memory (join, json) would take
    # the English and never ask. That code raises instead, and str() is the answer.
    _Text = str
else:
    _Text = object


class LazyString(_Text):
    """Text in the language of whoever reads it: `str()`, `%`, f-strings, `+`, Jinja and all methods of str do.

    Two are equal when they are the same message with the same values, and hash alike; beside a plain string the
    text in the current language decides. `json.dumps(..., default=str)` writes it. It can be pickled.
    """

    __slots__ = ("_message", "_values")

    _message: str
    _values: dict[str, object]

    # A type checker takes str's constructor; `_l` is the one that calls this.
    def __init__(self, message: str, values: dict[str, object] | None = None) -> None:
        object.__setattr__(self, "_message", str(message))
        object.__setattr__(self, "_values", values or {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a LazyString does not change")

    def __str__(self) -> str:
        return gettext(self._message, **self._values)

    def __repr__(self) -> str:
        return f"_l({self._message!r})"

    def __html__(self) -> Markup:
        return escape(str(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __mod__(self, values: Any) -> str:
        text: str = str(self) % values
        return text

    def __add__(self, other: str) -> str:
        return str(self) + str(other)

    def __radd__(self, other: str) -> str:
        return str(other) + str(self)

    def __len__(self) -> int:
        return len(str(self))

    def __bool__(self) -> bool:
        return bool(self._message)

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __contains__(self, part: object) -> bool:
        return str(part) in str(self)

    def __getitem__(self, index: Any) -> str:
        return str(self)[index]

    def __lt__(self, other: str) -> bool:
        return str(self) < str(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LazyString):
            return self._message == other._message and self._values == other._values
        return str(self) == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        # By the message, so that it stays findable in a dict when the language changes.
        return hash((LazyString, self._message))

    def __reduce__(self) -> tuple[Any, ...]:
        return LazyString, (self._message, self._values)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # protocols (copy, pickle, pydantic) must see that it has none of str's
                raise AttributeError(name)
            return getattr(str(self), name)


def _l(message: str, /, **values: object) -> LazyString:
    """A message that is translated when it is read: for module level, manifests, titles and labels."""
    return LazyString(message, values)
