"""What a plugin puts in front of people, found in its manifest, the URL map and its hooks; and ways to touch it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from core.plugin_system import Plugin
from core.testing.house import Visitor
from core.web.routes import Access, Kind, table

NAMES: Mapping[str, str] = {"owner": "photo_request", "name": "photos", "plugin": "photo_request"}
"""What routes of the core are asked with where they take a plugin's name."""


def rules(app: Flask, kind: Kind | None = None, owner: str | None = None) -> Iterator[tuple[Rule, Access]]:
    """The rules of the URL map with who may use them, all or those of a kind and an owner."""
    for rule in app.url_map.iter_rules():
        access = table(app)[rule.endpoint]
        if kind in (None, access.kind) and owner in (None, access.owner):
            yield rule, access


def requests(app: Flask, kind: Kind | None = None, owner: str | None = None) -> list[tuple[Rule, str]]:
    """Every rule with each method that it takes."""
    return [(rule, method) for rule, _access in rules(app, kind, owner) for method in methods(rule)]


def methods(rule: Rule) -> list[str]:
    """The methods that a rule answers by itself."""
    return sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})


def url_of(rule: Rule, slug: str, ids: Mapping[str, UUID], link_id: UUID | None = None) -> str:
    """The rule's URL for a practice; ids that are not given are made up."""
    values: dict[str, Any] = {"practice_slug": slug} if "practice_slug" in rule.arguments else {}
    values |= {"link_id": link_id} if link_id and "link_id" in rule.arguments else {}
    for argument in rule.arguments - values.keys() - (rule.defaults or {}).keys():
        converter = rule._converters[argument]
        if isinstance(converter, UUIDConverter):
            values[argument] = ids.get(argument) or uuid4()
        elif isinstance(converter, AnyConverter):
            values[argument] = sorted(converter.items)[0]
        else:
            values[argument] = NAMES.get(argument, "1")
    built = rule.build(values)
    if built is None:
        raise LookupError(f"no URL can be made of {rule.rule}")
    return built[1]


def ids_of(rule: Rule) -> set[str]:
    """The arguments of a rule that name rows, without the practice's and the link's."""
    named = {name for name in rule.arguments if isinstance(rule._converters[name], UUIDConverter)}
    return named - {"link_id"}


def send(visitor: Visitor, method: str, url: str) -> Any:
    """Ask for a URL by any method."""
    if method == "GET":
        return visitor.get(url)
    return visitor.post(url, **({} if method == "POST" else {"method": method}))


@contextmanager
def recorded_views(app: Flask, owner: str | None = None) -> Iterator[set[str]]:
    """While this lasts, the views of a plugin (None: all views) do nothing but note that they were reached."""
    reached: set[str] = set()
    kept = dict(app.view_functions)

    def note(endpoint: str) -> Callable[..., str]:
        def view(**values: Any) -> str:
            reached.add(endpoint)
            return ""

        return view

    for endpoint in kept if owner is None else {rule.endpoint for rule, _access in rules(app, owner=owner)}:
        app.view_functions[endpoint] = note(endpoint)
    try:
        yield reached
    finally:
        app.view_functions.update(kept)


def static_files(plugin: Plugin) -> list[str]:
    """The plugin's static files, as its URLs name them."""
    folder = plugin.folder("static")
    found = folder.rglob("*") if folder else ()
    return sorted(path.relative_to(folder).as_posix() for path in found if folder and path.is_file())
