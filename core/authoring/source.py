"""What is read of a plugin's source: what it imports, and what it says about itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Final

from core.authoring import surfaces
from core.authoring.inspection import Inspection

ALLOWED: Final = "core.sdk"


def modules(place: Inspection) -> Iterator[tuple[Path, ast.Module]]:
    """The plugin's modules, but for its migrations."""
    for path in sorted(place.package.rglob("*.py")):
        if "migrations" not in path.relative_to(place.package).parts:
            yield path.relative_to(place.package), ast.parse(path.read_text(encoding="utf-8"))


def imports(place: Inspection) -> list[str]:
    """Of Careroom it imports core.sdk and nothing else; of other plugins their api and hookspecs."""
    own = place.plugin.package
    wrong = []
    for path, tree in modules(place):
        for node in ast.walk(tree):
            for name in _imported(node):
                other = name.startswith("plugins.") and not f"{name}.".startswith(f"{own}.")
                if other and name.split(".")[2:3] not in (["api"], ["hookspecs"]):
                    wrong.append(f"{path}:{getattr(node, 'lineno', 0)} imports {name}")
                if name.split(".")[0] == "core" and name != ALLOWED:
                    wrong.append(f"{path}:{getattr(node, 'lineno', 0)} imports {name}")
    return wrong


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        if node.module in ("core", "plugins"):
            return [f"{node.module}.{alias.name}" for alias in node.names]
        if node.module.startswith("plugins.") and node.module.count(".") == 1:
            return [f"{node.module}.{alias.name}" for alias in node.names]
        return [node.module]
    return []


def documentation(place: Inspection) -> list[str]:
    """A README, a summary, a docstring for every module and view, words for every permission and setting."""
    wrong = []
    if not _has_readme(place):
        wrong.append("there is no README.md")
    if len(str(place.plugin.summary)) < 20:
        wrong.append("the manifest's summary does not say in a sentence what it is for")
    wrong += [f"{path} has no docstring" for path, tree in modules(place) if not ast.get_docstring(tree)]
    own = {rule.endpoint for rule, _access in surfaces.rules(place.app, owner=place.name)}
    views = {name: place.app.view_functions[name] for name in own}
    wrong += [
        f"the view {name} has no docstring"
        for name, view in sorted(views.items())
        if not view.__doc__ and str(view.__module__).startswith(place.plugin.package)
    ]
    wrong += [f"{one.name} has no title" for one in place.plugin.permissions if not str(one.title)]
    for name, field in place.plugin.settings.model_fields.items():
        if not field.title or not field.description:
            wrong.append(f"the setting {name} has no title or no description")
    return wrong


def _has_readme(place: Inspection) -> bool:
    """Beside the modules, at the root of the project, or as the description of the installed distribution."""
    if (place.package / "README.md").is_file() or (place.package.parent / "README.md").is_file():
        return True
    for name in packages_distributions().get(place.plugin.package.partition(".")[0], []):
        if len(str(distribution(name).metadata)) > 600:  # the description follows the headers
            return True
    return False
