"""Keep docs/plugins/reference.md true to the code: `scripts/reference write`, `scripts/reference check`."""

import sys
from pathlib import Path
from typing import Final

from core.authoring import reference

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "plugins" / "reference.md"


def main(arguments: list[str]) -> int:
    if arguments not in (["write"], ["check"]):
        print(__doc__, file=sys.stderr)
        return 2
    page = reference.render()
    if arguments == ["write"]:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print("docs/plugins/reference.md is not what the code says: run `scripts/reference write`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
