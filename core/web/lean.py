"""Our own modules as browsers need them: without comments and indentation, which are a third of what they weigh.

No tool rewrites the code: only whole lines go, so a browser's console still names the right line of a file's text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

_BLOCK = re.compile(r"^[ \t]*/\*(?:[^*]|\*(?!/))*\*/[ \t]*\n", re.MULTILINE)
_LINE = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)


def lean(source: str) -> str:
    """The same program without lines that are only comment, and without indentation.

    A module in which a template literal goes over several lines stays as it is: there, blanks may mean something.
    """
    if any(line.count("`") % 2 for line in source.splitlines()):
        return source
    return _INDENTATION.sub("", _LINE.sub("", _BLOCK.sub("", source)))


def lean_file(path: Path) -> str:
    """A module's lean text, made once for each content."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _read(path: Path, changed: int) -> str:
    del changed  # part of the key: a file that changed is another file
    return lean(path.read_text(encoding="utf-8"))
