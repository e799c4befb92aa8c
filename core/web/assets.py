"""Static files as pages name them: URLs that change with the content, inlined icons, the import map.

{{ asset("css/staff.css") }}      /static/css/staff.css?v=<hash>, kept by browsers for a year
{{ icon("camera") }}              <svg ... aria-hidden="true">
{{ import_map() }}                <script type="importmap" nonce="...">: "careroom/<name>" is js/<name>.js
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

import structlog
from flask import Flask, Response, current_app, has_request_context, request, url_for
from markupsafe import Markup
from werkzeug.security import safe_join

from core import settings
from core.web.lean import lean_file

log = structlog.get_logger(__name__)

STATIC = Path(__file__).parent / "static"
ICONS = STATIC / "vendor" / "icons"
_YEAR = 31_536_000
# Names that modules import from packages; the files come from npm at set-up (scripts/tooling/vendor.py).
_PACKAGES = {
    "socket.io-client": "vendor/socket.io.esm.min.js",
    "tus-js-client": "vendor/tus.esm.min.js",
    "htmx.org": "vendor/htmx.esm.min.js",
    "perfect-freehand": "vendor/perfect-freehand.esm.js",
}
_ICON_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# A square with rounded corners: what stands where an icon is missing, so that a misspelt name breaks no page.
_MISSING_ICON = '<rect x="5" y="5" width="14" height="14" rx="3" />'


def install(app: Flask) -> None:
    """Give templates ``asset``, ``icon`` and ``import_map``, and hashed static files a year in the cache."""
    app.jinja_env.globals.update(asset=asset, icon=icon, import_map=import_map)
    app.view_functions["static"] = _static_file
    app.after_request(_keep_hashed_files)


def asset(filename: str) -> str:
    """The URL of one of the core's static files, with the hash of its content."""
    if settings.current().environment == "development":
        return _url(filename)
    return _url_once(_root(), filename)


def _url(filename: str) -> str:
    version = content_hash(STATIC / filename)
    return (
        url_for("static", filename=filename, v=version) if version else url_for("static", filename=filename)
    )


@lru_cache(maxsize=512)
def _url_once(_root: str, filename: str) -> str:
    # Files change under a running process in development only; a page names a dozen of them.
    return _url(filename)


def content_hash(path: Path) -> str:
    """Twelve hex digits of a file's SHA-256, read again when the file changes; "" when there is none."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return ""
    return _hash_of(path, changed)


@lru_cache(maxsize=1024)
def _hash_of(path: Path, changed: int) -> str:
    del changed  # part of the key: a file that changed is another file
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=512)
def icon(name: str, size: int = 20, *, flip: bool = False) -> Markup:
    """An outline icon, inlined and hidden from screen readers: the words beside it say what it means.

    flip: it points in the direction of reading, so it is mirrored on right-to-left pages.
    """
    shape = _icon_shape(name)
    classes = "glyph glyph-flip" if flip else "glyph"
    return Markup(
        '<svg class="{}" width="{}" height="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{}</svg>'
    ).format(classes, size, size, shape)


@lru_cache(maxsize=512)
def _icon_shape(name: str) -> Markup:
    path = ICONS / f"{name}.svg"
    if not _ICON_NAME.fullmatch(name) or not path.is_file():
        log.warning("icon_missing", icon=name)
        return Markup(_MISSING_ICON)  # noqa: S704 - our own constant
    inner = path.read_text().partition(">")[2].rpartition("</svg>")[0]
    # The first path of every Tabler icon is its empty frame.
    inner = re.sub(r'<path stroke="none"[^>]*/>', "", inner)
    return Markup(" ".join(inner.split()))  # noqa: S704  # our own vendored file


def import_map() -> Markup:
    """The page's import map. It carries the request's nonce, for the policy allows no other inline script."""
    nonce = current_app.jinja_env.globals["csp_nonce"]
    names = (
        _import_names() if settings.current().environment == "development" else _import_names_once(_root())
    )
    return Markup('<script type="importmap" nonce="{}">{}</script>').format(
        nonce() if callable(nonce) else "", names
    )


def _import_names() -> Markup:
    return Markup(_as_json(imports()))  # noqa: S704 - "<" is escaped in it


@lru_cache(maxsize=8)
def _import_names_once(_root: str) -> Markup:
    return _import_names()


def _root() -> str:
    return request.script_root if has_request_context() else ""


def imports() -> dict[str, str]:
    """What each module name stands for: the core's own modules and the packages."""
    own = {f"careroom/{path.stem}": asset(f"js/{path.name}") for path in sorted((STATIC / "js").glob("*.js"))}
    return own | {name: asset(filename) for name, filename in _PACKAGES.items()}


def _as_json(names: dict[str, str]) -> str:
    # "<" cannot end the script element early when it is written as an escape.
    return json.dumps({"imports": names}, separators=(",", ":")).replace("<", "\\u003c")


def lean_module(folder: Path, filename: str) -> Response | None:
    """A module of our own without its comments; None for other files, and where the code is being written."""
    inside = safe_join(str(folder), filename)
    if inside is None or not inside.endswith(".js") or settings.current().environment == "development":
        return None
    path = Path(inside)
    if not path.is_file():
        return None
    response = Response(lean_file(path), mimetype="text/javascript")
    response.set_etag(content_hash(path))
    response.make_conditional(request)
    return response


def _static_file(filename: str) -> Response:
    own = lean_module(STATIC, filename) if filename.startswith("js/") else None
    return own or current_app.send_static_file(filename)


def _keep_hashed_files(response: Response) -> Response:
    if request.endpoint != "static" or response.status_code not in (200, 304):
        return response
    filename = (request.view_args or {}).get("filename", "")
    asked = request.args.get("v")
    if asked and asked == content_hash(STATIC / str(filename)):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response
