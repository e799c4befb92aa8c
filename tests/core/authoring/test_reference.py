"""The author's reference is what the code says, every hook is documented, and some plugin here exercises it."""

from __future__ import annotations

import ast
from pathlib import Path

from core.authoring import reference
from core.plugin_system import registry

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "plugins" / "reference.md"


def implementations() -> set[str]:
    """The functions marked with ``hookimpl`` in plugins, examples and tests."""
    found = set()
    for folder in ("plugins", "examples", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and any(
                    isinstance(mark, ast.Name) and mark.id == "hookimpl" for mark in node.decorator_list
                ):
                    found.add(node.name)
    return found


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.render(), "run scripts/reference write"


def test_every_hook_says_when_it_is_called() -> None:
    assert reference.undocumented() == []
    page = PAGE.read_text(encoding="utf-8")
    for name, contract in registry.contracts.items():
        if contract.owner == "core":
            assert f"### {name}\n" in page
            assert f"### {contract.context.__name__}\n" in page


def test_every_hook_is_exercised_by_a_plugin() -> None:
    hooks = {name for name, contract in registry.contracts.items() if contract.owner == "core"}
    assert hooks - implementations() == set()


def test_the_guide_names_every_fixture_that_authors_have() -> None:
    guide = (PAGE.parent / "README.md").read_text(encoding="utf-8")
    for fixture in ("practices", "patient", "clinician", "receptionist", "practice_admin", "stranger",
                    "outbox", "open_link", "events", "work"):  # fmt: skip
        assert f"`{fixture}`" in guide
