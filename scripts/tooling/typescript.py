"""Check the types of the JavaScript modules (plain JavaScript with JSDoc) with TypeScript, by tsconfig.json."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
COMPILER: Final = ROOT / "node_modules" / "typescript" / "bin" / "tsc"


def modules(root: Path = ROOT) -> list[Path]:
    """The modules that tsconfig.json includes."""
    core = (root / "core" / "web" / "static" / "js").rglob("*.js")
    return [*core, *(root / "plugins").glob("*/static/**/*.js")]


def main() -> int:
    if not modules():
        return 0  # tsc calls a project without files an error
    node = ROOT / ".venv" / "bin" / "node"
    command = [
        str(node) if node.exists() else "node",
        str(COMPILER),
        "--project",
        str(ROOT / "tsconfig.json"),
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
