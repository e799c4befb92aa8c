"""Static files of plugins, served below the practice so that a switched-off plugin's are not there."""

from __future__ import annotations

from flask import Flask, Response, abort, g, request, send_from_directory, url_for

from core.plugin_system import registry
from core.web.assets import content_hash, lean_module
from core.web.routes import CoreRoutes

routes = CoreRoutes("plugin_assets", __name__)
_YEAR = 31_536_000


def install(app: Flask) -> None:
    """Give templates ``plugin_static(owner, filename)``."""
    app.jinja_env.globals["plugin_static"] = plugin_static


@routes.get("/s/<practice_slug>/<owner>/<path:filename>", access="asset")
def asset(owner: str, filename: str) -> Response:
    """A file of the plugin's ``static`` folder; kept for a year when the URL carries its hash."""
    folder = registry.get(owner).folder("static")
    if folder is None:
        abort(404)
    hashed = request.args.get("v") == content_hash(folder / filename)
    response = lean_module(folder, filename) or send_from_directory(
        folder, filename, max_age=_YEAR if hashed else 0
    )
    response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if hashed else "no-cache"
    return response


def plugin_static(owner: str, filename: str) -> str:
    """Template global: the URL of a plugin's static file for the current practice."""
    folder = registry.get(owner).folder("static")
    if folder is None:
        raise LookupError(f"{owner} has no static folder")
    return url_for(
        "plugin_assets.asset",
        practice_slug=g.practice.slug,
        owner=owner,
        filename=filename,
        v=content_hash(folder / filename),
    )
