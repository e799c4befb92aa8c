"""Message catalogues: extracted from code, read, written, compiled, and held against the code.

What is compiled is what runs: `.mo` files belong into a plugin's wheel.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateSyntaxError

PROJECT: Final = "Careroom"
PLACEHOLDER: Final = re.compile(r"%\([^)]*\)[a-z]|%%|\{\w*\}|</?[a-z][^>]*>")

KEYWORDS: Final = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
METHODS: Final = [("**/migrations/**", "ignore"), ("**.py", "python"), ("**/templates/**", "jinja2")]
OPTIONS: Final = {"**/templates/**": {"trimmed": "true", "silent": "false", "encoding": "utf-8"}}
# Dates change at every run and would make two people's translations collide.
CHANGING_HEADERS: Final = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By')

Key = tuple[str, str | None]
"""What makes a message one: its (singular) English and its context."""


@dataclass(frozen=True)
class Source:
    """One catalogue's code and where its translations lie."""

    name: str
    code: Path
    translations: Path
    shared: "Source | None" = None
    """The catalogue whose messages this one may use and therefore does not repeat: a plugin's is the core's."""

    def po(self, language: str) -> Path:
        return self.translations / language / "LC_MESSAGES" / "messages.po"

    def template(self) -> Catalog:
        """All messages that the code holds now, without those of the shared catalogue."""
        known = {key(message) for message in messages(self.shared.template())} if self.shared else set()
        catalogue = Catalog(project=PROJECT, charset="utf-8", header_comment=f"# Messages of {self.name}.")
        for file, line, text, comments, context in self._extracted():
            singular = text if isinstance(text, str) else text[0]
            if singular and (singular, context) not in known:
                where = (self.code / file).relative_to(self.code.parent).as_posix()
                catalogue.add(text, locations=[(where, line)], auto_comments=comments, context=context)
        return catalogue

    def _extracted(self) -> Iterator[Any]:
        reading = ""

        def remember(name: str, *_: object) -> None:
            nonlocal reading
            reading = name

        try:
            yield from extract_from_dir(
                self.code,
                METHODS,
                OPTIONS,
                KEYWORDS,
                ("Translators:",),
                callback=remember,
                strip_comment_tags=True,
            )
        except TemplateSyntaxError as error:  # it knows the line but not the file
            raise SystemExit(f"{self.code.name}/{reading}:{error.lineno}: {error.message}") from None

    def read(self, language: str) -> Catalog | None:
        """The catalogue as it is written down, or, in an installed package, compiled; None when there is none yet."""
        path = self.po(language)
        if not path.exists():
            compiled = path.with_suffix(".mo")
            if not compiled.exists():
                return None
            with compiled.open("rb") as file:
                return read_mo(file)
        with path.open("rb") as file:
            return read_po(file, locale=language, abort_invalid=True)

    def write(self, language: str, catalogue: Catalog) -> None:
        """Write it so that a change of one message is a change of a few lines."""
        buffer = BytesIO()
        write_po(buffer, catalogue, width=100, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
        lines = [line for line in buffer.getvalue().splitlines(True) if not line.startswith(CHANGING_HEADERS)]
        path = self.po(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(lines))

    def update(self, language: str) -> tuple[int, int]:
        """Bring messages.po in line with the code: new ones come in empty, unused ones go; how many, how many empty."""
        template, before = self.template(), self.read(language)
        if before is None and not len(template):
            return 0, 0
        catalogue = before or Catalog(locale=language, project=PROJECT, charset="utf-8", fuzzy=False)
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalogue.obsolete.clear()
        catalogue.fuzzy = False
        self.write(language, catalogue)
        return len(catalogue), sum(not is_filled(message) for message in messages(catalogue))

    def compile(self, language: str) -> Path | None:
        """Write messages.mo if it is missing or older than messages.po; where, or None when nothing was to do."""
        if not self.is_stale(language):
            return None
        catalogue, mo = self.read(language), self.po(language).with_suffix(".mo")
        if catalogue is None:
            return None
        being_written = mo.with_suffix(".mo.new")
        with being_written.open("wb") as file:
            write_mo(file, catalogue)
        being_written.replace(mo)  # a running process never reads half a file
        return mo

    def is_stale(self, language: str) -> bool:
        """Is there a messages.po that has not been compiled since it changed?"""
        po = self.po(language)
        mo = po.with_suffix(".mo")
        return po.exists() and not (mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime)

    def problems(self, language: str) -> Iterator[str]:
        """What is missing, empty, fuzzy, obsolete or has other placeholders than the English."""
        wanted = {key(message): message for message in messages(self.template())}
        catalogue = self.read(language)
        if catalogue is None:
            if wanted:
                yield f"no catalogue for {len(wanted)} messages"
            return
        written = {key(message): message for message in messages(catalogue)}
        for message_key, message in wanted.items():
            where = f"{message_key[0]!r} ({message.locations[0][0]})"
            translation = written.get(message_key)
            if translation is None:
                yield f"missing: {where}"
            elif translation.fuzzy:
                yield f"fuzzy: {where}"
            elif isinstance(message.id, str) != isinstance(translation.id, str):
                yield f"one has a plural, the other none: {where}"
            elif not is_filled(translation):
                yield f"empty: {where}"
            else:
                yield from (f"{problem}: {where}" for problem in _mismatches(translation))
        for message_key in written.keys() - wanted.keys():
            yield f"obsolete: {message_key[0]!r}"
        for obsolete in catalogue.obsolete:
            yield f"obsolete: {obsolete[0] if isinstance(obsolete, tuple) else obsolete!r}"


def messages(catalogue: Catalog) -> Iterator[Message]:
    """The messages without the header, which a catalogue keeps under the empty one."""
    return (message for message in catalogue if message.id)


def key(message: Message) -> Key:
    singular = message.id if isinstance(message.id, str) else message.id[0]
    return singular, message.context


def is_filled(message: Message) -> bool:
    """Has it been translated, in all its forms?"""
    return bool(message.string) and all(message.string or ())


def _mismatches(message: Message) -> Iterator[str]:
    """Placeholders and tags must be those of the English, each as often; of a plural, `%(num)d` may be left out of the
    singular ("une photo")."""
    english = (message.id,) if isinstance(message.id, str) else message.id
    translated = (message.string,) if isinstance(message.string, str) else message.string or ()
    for number, text in enumerate(translated):
        original = english[min(number, len(english) - 1)]
        wanted, found = Counter(PLACEHOLDER.findall(original)), Counter(PLACEHOLDER.findall(text))
        if len(english) > 1:
            wanted.pop("%(num)d", None)
            found.pop("%(num)d", None)
        if wanted != found:
            yield f"placeholders differ ({sorted(wanted)} became {sorted(found)})"
        if original.startswith("\n") != text.startswith("\n") or original.endswith("\n") != text.endswith(
            "\n"
        ):
            yield "starts or ends with a line break, and the other does not"
