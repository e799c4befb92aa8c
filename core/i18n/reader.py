"""Who reads: the language and the time zone of this context.

Each web request, socket event, job and command sets both at its edge. A context variable is per task, per thread and
per greenlet, so nothing here is shared between two people; threads are reused, so the edge must always set it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

from core.i18n.languages import Direction, Language, resolve

_language: ContextVar[Language] = ContextVar("careroom_language", default=resolve("en"))
_zone: ContextVar[ZoneInfo] = ContextVar("careroom_time_zone", default=ZoneInfo("UTC"))


class UnknownTimeZone(ValueError):
    """No such time zone in the tz database."""


def set_language(tag: str) -> None:
    """From here on in this context, read in this language ("fr", "fr-FR", "en-XA"). Unknown ones read as English."""
    _language.set(resolve(tag))


@contextmanager
def use_language(tag: str) -> Iterator[None]:
    """Read in this language inside the block."""
    token = _language.set(resolve(tag))
    try:
        yield
    finally:
        _language.reset(token)


def current() -> Language:
    """The language of this context with all that follows from it."""
    return _language.get()


def language() -> str:
    """The code that picks the catalogue: "en", "fr", or a pseudo-language."""
    return _language.get().code


def locale_tag() -> str:
    """The whole tag, for `<html lang>`: "en-GB", "fr-FR"."""
    return _language.get().tag


def babel_locale() -> Locale:
    """The Babel locale that formats follow (also what Flask-Babel's locale selector answers)."""
    return _language.get().locale


def direction() -> Direction:
    """Which way the text runs, for `<html dir>`."""
    return _language.get().direction


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises UnknownTimeZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(f"no time zone is called {name!r}") from error


def set_time_zone(name: str) -> None:
    """From here on in this context, show times in this zone ("Europe/Paris"). Raises UnknownTimeZone."""
    _zone.set(zone(name))


@contextmanager
def use_time_zone(name: str) -> Iterator[None]:
    """Show times in this zone inside the block. Raises UnknownTimeZone."""
    token = _zone.set(zone(name))
    try:
        yield
    finally:
        _zone.reset(token)


def time_zone() -> ZoneInfo:
    """The zone that times are shown in: the practice's; UTC where no practice is known."""
    return _zone.get()
