"""The message catalogues of this repository, the core's and one for each plugin: extracting, reading, writing."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateSyntaxError

ROOT: Final = Path(__file__).resolve().parents[2]
LANGUAGES: Final = ("fr",)  # English is the source and has no catalogue

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
        catalogue = Catalog(project="Careroom", charset="utf-8", header_comment=f"# Messages of {self.name}.")
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
        """The catalogue as it is written down; None when there is none yet."""
        path = self.po(language)
        if not path.exists():
            return None
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


def sources(root: Path = ROOT) -> list[Source]:
    """The core's catalogue, then each plugin's, by name."""
    core = Source("core", root / "core", root / "translations")
    plugins = sorted(path.parent for path in (root / "plugins").glob("*/__init__.py"))
    return [core, *(Source(path.name, path, path / "translations", shared=core) for path in plugins)]


def messages(catalogue: Catalog) -> Iterator[Message]:
    """The messages without the header, which a catalogue keeps under the empty one."""
    return (message for message in catalogue if message.id)


def key(message: Message) -> Key:
    singular = message.id if isinstance(message.id, str) else message.id[0]
    return singular, message.context
