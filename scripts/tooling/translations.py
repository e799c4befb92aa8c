"""Keep the catalogues true to the code.

extract   print what a translator has still to do, as .po
update    bring every messages.po in line with the code: new messages come in empty, unused ones go
compile   write messages.mo where it is missing or older than its messages.po
check     say what is missing, empty, fuzzy, obsolete or has other placeholders than the English
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po

from scripts.tooling.catalogues import LANGUAGES, ROOT, Source, key, messages, sources

PLACEHOLDER: Final = re.compile(r"%\([^)]*\)[a-z]|%%|\{\w*\}|</?[a-z][^>]*>")


def extract(root: Path = ROOT) -> list[str]:
    """Print the untranslated messages of every catalogue."""
    for source in sources(root):
        for language in LANGUAGES:
            todo = source.template()
            done = {key(m) for m in messages(source.read(language) or Catalog()) if _is_filled(m)}
            for message_key in done:
                todo.delete(*message_key)
            if len(todo):
                sys.stdout.flush()
                write_po(sys.stdout.buffer, todo, omit_header=True, include_lineno=True)
    return []


def update(root: Path = ROOT) -> list[str]:
    """Rewrite every messages.po from the code and what was translated before."""
    for source in sources(root):
        template = source.template()
        for language in LANGUAGES:
            before = source.read(language)
            if before is None and not len(template):
                continue
            catalogue = before or Catalog(locale=language, project="Careroom", charset="utf-8", fuzzy=False)
            catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
            catalogue.obsolete.clear()
            catalogue.fuzzy = False
            source.write(language, catalogue)
            empty = sum(not _is_filled(message) for message in messages(catalogue))
            print(f"{source.name} {language}: {len(catalogue)} messages, {empty} to translate")
    return []


def compile_all(root: Path = ROOT) -> list[str]:
    """Write the .mo files that set-up owes to the running product."""
    for source in sources(root):
        for language in LANGUAGES:
            po = source.po(language)
            mo = po.with_suffix(".mo")
            if not po.exists() or (mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime):
                continue
            catalogue = source.read(language)
            assert catalogue is not None
            being_written = mo.with_suffix(".mo.new")
            with being_written.open("wb") as file:
                write_mo(file, catalogue)
            being_written.replace(mo)  # a running process never reads half a file
            print(f"Compiled {mo.relative_to(root)}")
    return []


def check(root: Path = ROOT) -> list[str]:
    """What is wrong with the catalogues; nothing when every person reads their own language everywhere."""
    return [
        f"{source.name} {language}: {problem}"
        for source in sources(root)
        for language in LANGUAGES
        for problem in _problems(source, language)
    ]


def _problems(source: Source, language: str) -> Iterator[str]:
    wanted = {key(message): message for message in messages(source.template())}
    catalogue = source.read(language)
    if catalogue is None:
        if wanted:
            yield f"no catalogue for {len(wanted)} messages (run `make translations`)"
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
        elif not _is_filled(translation):
            yield f"empty: {where}"
        else:
            yield from (f"{problem}: {where}" for problem in _mismatches(translation))
    for message_key in written.keys() - wanted.keys():
        yield f"obsolete: {message_key[0]!r}"
    for obsolete in catalogue.obsolete:
        yield f"obsolete: {obsolete[0] if isinstance(obsolete, tuple) else obsolete!r}"


def _is_filled(message: Message) -> bool:
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


COMMANDS: Final = {"extract": extract, "update": update, "compile": compile_all, "check": check}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    problems = COMMANDS[arguments[0]]()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
