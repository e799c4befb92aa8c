"""A patient's picture as an answer: never kept by a cache, never taken for anything but a picture."""

from __future__ import annotations

from flask import Response, abort, request

from core import files
from core.files.names import with_ending


def file_response(file: files.File, rendition: str = "large") -> Response:
    """The rendition "large" or "thumb" of a file that the caller has found and may show; 404 while there is none.

    Use it in a view with an open scope of the practice. Reading is not audited here: the view knows why.
    One range of bytes may be asked for (206, or 416 beyond the end); several, or what is no range, get the whole.
    If-Range has no place here: nothing is cached, and a rendition's bytes never change.
    """
    try:
        found = files.rendition(file.id, rendition)
        wanted = _wanted(found.size)
        with files.open(file.id, rendition) as plain:
            plain.seek(wanted.start)
            content = plain.read(len(wanted))
    except files.FileMissing:
        abort(404)
    response = Response(content, mimetype=found.media_type)
    if not wanted:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{found.size}"
    elif len(wanted) < found.size:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{found.size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = files.disposition(with_ending(file.name, "jpg"))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _wanted(size: int) -> range:
    """The bytes that the request asks for; empty: none that there are."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return range(size)
    start, end = asked.ranges[0]
    if start < 0:  # the last so many bytes
        return range(max(0, size + start), size)
    return range(start, min(size if end is None else end, size))
