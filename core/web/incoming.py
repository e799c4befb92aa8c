"""What a browser sent, without what no database holds: NUL, and halves of characters (lone surrogates).

Nobody types them; a script can send them in any field. They are taken out here, once, before any view reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import punctuation
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.datastructures.structures import iter_multi_items
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def holdable(said: Any) -> Any:
    """The same with texts that a database can hold, in whatever lists and objects they are. Raises RecursionError."""
    if isinstance(said, str):
        return _text(said)
    if isinstance(said, list):
        return [holdable(one) for one in said]
    if isinstance(said, dict):
        return {_text(name): holdable(one) for name, one in said.items()}
    return said


class Fields(ImmutableMultiDict[str, Any]):
    """The fields of a form or an address."""

    def __init__(self, given: Iterable[Any] | None = None) -> None:
        super().__init__([(holdable(name), holdable(value)) for name, value in iter_multi_items(given or ())])


class Incoming(Request):
    """A request whose fields and JSON can be stored."""

    parameter_storage_class = Fields

    def __init__(self, environ: WSGIEnvironment, *args: Any, **options: Any) -> None:
        super().__init__(environ, *args, **options)
        # Bytes that are no text: browsers write them as %FF, and so they are read.
        self.query_string = quote(self.query_string, safe=punctuation).encode()

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The JSON of the body. What is nested without end is none."""
        try:
            return holdable(super().get_json(force, silent, cache))
        except RecursionError:
            if silent:
                return None
            raise BadRequest from None


def _text(text: str) -> str:
    text = text.replace("\0", "")
    try:
        text.encode()
    except (
        UnicodeEncodeError
    ):  # two halves that belong together become one; one alone, a mark that it is missing
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
