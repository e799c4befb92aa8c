"""Keep the catalogues true to the code.

extract   print what a translator has still to do, as .po
update    bring every messages.po in line with the code: new messages come in empty, unused ones go
compile   write messages.mo where it is missing or older than its messages.po
check     say what is missing, empty, fuzzy, obsolete or has other placeholders than the English
"""

import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from scripts.tooling.catalogues import LANGUAGES, ROOT, is_filled, key, messages, sources


def extract(root: Path = ROOT) -> list[str]:
    """Print the untranslated messages of every catalogue."""
    for source in sources(root):
        for language in LANGUAGES:
            todo = source.template()
            done = {key(m) for m in messages(source.read(language) or Catalog()) if is_filled(m)}
            for message_key in done:
                todo.delete(*message_key)
            if len(todo):
                sys.stdout.flush()
                write_po(sys.stdout.buffer, todo, omit_header=True, include_lineno=True)
    return []


def update(root: Path = ROOT) -> list[str]:
    """Rewrite every messages.po from the code and what was translated before."""
    for source in sources(root):
        for language in LANGUAGES:
            count, empty = source.update(language)
            if count:
                print(f"{source.name} {language}: {count} messages, {empty} to translate")
    return []


def compile_all(root: Path = ROOT) -> list[str]:
    """Write the .mo files that set-up owes to the running product."""
    for source in sources(root):
        for language in LANGUAGES:
            if mo := source.compile(language):
                print(f"Compiled {mo.relative_to(root)}")
    return []


def check(root: Path = ROOT) -> list[str]:
    """What is wrong with the catalogues; nothing when every person reads their own language everywhere."""
    return [
        f"{source.name} {language}: {problem}"
        for source in sources(root)
        for language in LANGUAGES
        for problem in source.problems(language)
    ]


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
