"""Find SQL written as text, and SQLAlchemy Core, outside core/db.

The tenant guard filters what goes through the ORM; text and Core go around it. So both belong to the one room that
knows how to be careful, and to migrations, which run for no tenant. core/authoring is a developer's tool: it looks at
a plugin's tables in a database that it has made for that.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BANNED_NAMES: Final = {"text", "literal_column", "DDL", "Table", "TextClause", "create_engine"}
BANNED_METHODS: Final = {"exec_driver_sql", "raw_connection", "get_bind"}
BANNED_ROOMS: Final = {"core.db.engine", "core.db.fence"}
EXEMPT: Final = {("core", "db"), ("core", "authoring")}
EXECUTORS: Final = {"execute", "scalar", "scalars"}


def findings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and reason of each use that goes around the guard."""
    modules = set(_names_of_sqlalchemy(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlalchemy":
            for alias in node.names:
                if alias.name in BANNED_NAMES:
                    yield node.lineno, f"imports sqlalchemy's {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.module in BANNED_ROOMS:
            yield node.lineno, f"imports from {node.module}"
        elif isinstance(node, ast.Attribute):
            owner = node.value
            if node.attr in BANNED_NAMES and isinstance(owner, ast.Name) and owner.id in modules:
                yield node.lineno, f"uses sqlalchemy's {node.attr}"
            elif node.attr in BANNED_METHODS:
                yield node.lineno, f"uses {node.attr}"
            elif node.attr == "engine" and isinstance(owner, ast.Name) and owner.id == "db":
                yield node.lineno, "uses the engine itself"
            elif node.attr == "__table__":
                yield node.lineno, "takes the Core table of a model"
        elif isinstance(node, ast.Call) and _executes_text(node):
            yield node.lineno, "executes a string"


def _names_of_sqlalchemy(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "sqlalchemy":
                    yield alias.asname or alias.name.partition(".")[0]


def _executes_text(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTORS and call.args):
        return False
    first = call.args[0]
    return isinstance(first, ast.JoinedStr) or (
        isinstance(first, ast.Constant) and isinstance(first.value, str)
    )


def sources(root: Path = ROOT) -> Iterable[Path]:
    """The Python files that the rule is for."""
    for tree in ("core", "plugins"):
        for path in sorted((root / tree).rglob("*.py")):
            inside = path.relative_to(root).parts
            if inside[:2] not in EXEMPT and "migrations" not in inside:
                yield path


def main() -> int:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {reason}"
        for path in sources()
        for line, reason in findings(ast.parse(path.read_text(encoding="utf-8")))
    ]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
