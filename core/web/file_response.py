"""A patient's picture as an answer: never kept by a cache, never taken for anything but a picture."""

from __future__ import annotations

from flask import Response, abort

from core import files
from core.files.names import with_ending


def file_response(file: files.File, rendition: str = "large") -> Response:
    """The rendition "large" or "thumb" of a file that the caller has found and may show; 404 while there is none.

    Use it in a view with an open scope of the practice. Reading is not audited here: the view knows why.
    """
    try:
        found = files.rendition(file.id, rendition)
        with files.open(file.id, rendition) as plain:
            content = plain.read()
    except files.FileMissing:
        abort(404)
    response = Response(content, mimetype=found.media_type)
    response.headers["Content-Disposition"] = files.disposition(with_ending(file.name, "jpg"))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
