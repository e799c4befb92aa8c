"""Resumable uploads over HTTP: the tus protocol 1.0 (core, creation, expiration, termination, checksum).

A plugin mounts it under its own patient route::

    mount(routes, "/uploads", purpose="photo_request.photos", allow=may_begin, finished=keep_photo)

and hands the URL to tus-js-client with ``chunkSize`` at most :data:`CHUNK` and the metadata ``id`` (a UUID that the
page chose), ``filename`` and ``filetype``. The same id begun twice is one upload.

Beyond tus: a refusal is JSON ``{"error": code, "message": sentence}`` with 413 (too large), 415 (not a photo
format), 422 (anything else about the file), 503 (the store is away: try again).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from flask import Response, abort, g, jsonify, request, url_for
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date

from core import db
from core.errors import Refused
from core.files import MAX_FILE, FileRefused, Upload, refusal_text, uploads
from core.files.uploads import Allow, Finished, Place
from core.i18n import _
from core.web import sent
from core.web.gate import current_link
from core.web.routes import PatientRoutes

CHUNK: Final = 1024 * 1024
"""Largest PATCH in bytes: a process on eventlet is never held long by one sender."""
VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,termination,checksum"
_CHECKSUMS: Final = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_LONGEST_METADATA: Final = 4096


@dataclass(frozen=True, slots=True)
class TusEndpoint:
    """The views of one mounted upload point.

    allow: called for a new upload in the transaction that makes it; raises FileRefused.
    finished: called with the upload and its file in the transaction that makes the file; raises FileRefused.
    subject: what uploads here belong to; without it the subject of the patient's link.
    """

    owner: str
    allow: Allow
    finished: Finished
    endpoint: str
    subject: Callable[[], UUID] = field(default=lambda: current_link().subject_id)
    max_size: int = MAX_FILE
    chunk_size: int = CHUNK

    def collection(self) -> Response:
        """OPTIONS tells what we speak, POST begins an upload."""
        method = _method()
        if method == "OPTIONS":
            return self._options()
        if method != "POST":
            abort(405)
        return self._guarded(self._create)

    def one(self, upload_id: UUID) -> Response:
        """HEAD tells the offset, PATCH adds bytes, DELETE gives up. POST with X-HTTP-Method-Override is any of them."""
        views: dict[str, Callable[[UUID], Response]] = {
            "HEAD": self._head,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        method = _method()
        if method == "OPTIONS":
            return self._options()
        if method not in views:
            abort(405)
        return self._guarded(lambda: views[method](upload_id))

    def _guarded(self, view: Callable[[], Response]) -> Response:
        if request.headers.get("Tus-Resumable") != VERSION:
            return _answer(412, {"Tus-Version": VERSION})
        try:
            return view()
        except Refused as refusal:
            return _problem(refusal.status, refusal.code, refusal.message)
        except DBAPIError as error:
            if not db.is_out_of_space(error):
                raise
            return _problem(503, "unavailable", refusal_text("unavailable"))
        except uploads.UploadUnknown:
            return _answer(404)
        except uploads.UploadTaken:
            return _problem(409, "upload_taken", _("This photo was already sent. Please choose it again."))
        except uploads.OffsetMismatch:
            return _answer(409)
        except uploads.PartTooLong:
            return _problem(
                413, "part_too_long", _("This photo changed while it was sent. Please choose it again.")
            )

    def _place(self) -> Place:
        return Place(g.practice_id, self.owner, self.subject(), current_link().patient_id)

    def _options(self) -> Response:
        return _answer(
            204,
            {
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(self.max_size),
                "Tus-Checksum-Algorithm": ",".join(_CHECKSUMS),
            },
        )

    def _create(self) -> Response:
        length = sent.number(request.headers.get("Upload-Length"))
        if length is None:
            return _problem(400, "no_length", _("This photo cannot be sent. Please choose it again."))
        if length > self.max_size:
            raise FileRefused("too_large")
        try:
            metadata = _metadata(request.headers.get("Upload-Metadata", ""))
            upload_id = UUID(metadata.pop("id")) if "id" in metadata else uuid4()
        except ValueError:
            return _problem(400, "bad_metadata", _("This photo cannot be sent. Please choose it again."))
        made = uploads.create(self._place(), upload_id, length, metadata, self.allow)
        location = url_for(self.endpoint, upload_id=made.id)
        return _answer(201, {"Location": location, **_progress(made)})

    def _head(self, upload_id: UUID) -> Response:
        found = uploads.find(self._place(), upload_id)
        return _answer(
            200, {"Upload-Length": str(found.length), "Cache-Control": "no-store", **_progress(found)}
        )

    def _patch(self, upload_id: UUID) -> Response:
        if request.mimetype != "application/offset+octet-stream":
            return _answer(415)
        offset = sent.number(request.headers.get("Upload-Offset"))
        if offset is None:
            return _answer(400)
        if (request.content_length or 0) > self.chunk_size:
            return _problem(413, "chunk_too_large", _("This photo cannot be sent. Please choose it again."))
        place = self._place()
        # Asked before the body is read: a stranger's megabyte is not worth waiting for.
        uploads.find(place, upload_id)
        part = _body(self.chunk_size)
        if not _checksum_holds(part):
            return _answer(460)
        return _answer(204, _progress(uploads.append(place, upload_id, offset, part, self.finished)))

    def _delete(self, upload_id: UUID) -> Response:
        uploads.cancel(self._place(), upload_id)
        return _answer(204)


def mount(
    routes: PatientRoutes,
    rule: str,
    *,
    purpose: str,
    allow: Allow,
    finished: Finished,
    subject: Callable[[], UUID] | None = None,
    max_size: int = MAX_FILE,
    chunk_size: int = CHUNK,
    endpoint: str = "upload",
) -> TusEndpoint:
    """Add an upload point to patient routes: endpoint ``<endpoint>s`` at ``rule``, ``<endpoint>`` at ``rule/<id>``."""
    options: dict[str, Any] = {} if subject is None else {"subject": subject}
    made = TusEndpoint(
        routes.owner, allow, finished, f".{endpoint}", max_size=max_size, chunk_size=chunk_size, **options
    )
    # scope "none": bodies are read and bytes are stored here, and neither may happen inside a transaction.
    routes.add_url_rule(
        rule,
        f"{endpoint}s",
        made.collection,
        False,
        methods=["OPTIONS", "POST"],
        purpose=purpose,
        scope="none",
    )
    routes.add_url_rule(
        f"{rule.rstrip('/')}/<uuid:upload_id>",
        endpoint,
        made.one,
        False,
        methods=["OPTIONS", "HEAD", "PATCH", "DELETE", "POST"],
        purpose=purpose,
        scope="none",
    )
    return made


def _method() -> str:
    """The method that is meant: some networks let only GET and POST through."""
    if request.method == "POST":
        return request.headers.get("X-HTTP-Method-Override", "POST").upper()
    return request.method


def _metadata(header: str) -> dict[str, str]:
    """``key base64, key base64``. Raises ValueError."""
    if len(header) > _LONGEST_METADATA:
        raise ValueError("too much metadata")
    pairs: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("not base64 of UTF-8") from error
        if "\0" in key + pairs[key]:
            raise ValueError("a zero byte, which PostgreSQL takes in no text")
    return pairs


def _body(limit: int) -> bytes:
    """What came of the body: a connection that breaks off has still brought its first bytes."""
    pieces: list[bytes] = []
    size = 0
    try:
        while size <= limit and (piece := request.stream.read(min(64 * 1024, limit + 1 - size))):
            pieces.append(piece)
            size += len(piece)
    except (ClientDisconnected, OSError):
        pass  # what is here is kept; the answer reaches nobody, and the client asks for the offset
    if size > limit:
        abort(413)
    return b"".join(pieces)


def _checksum_holds(part: bytes) -> bool:
    """Is the body what Upload-Checksum says? True without one; an unknown algorithm is a bad request."""
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return True
    algorithm, _space, wanted = header.partition(" ")
    if algorithm not in _CHECKSUMS:
        abort(400)
    return hmac.compare_digest(base64.b64encode(_CHECKSUMS[algorithm](part).digest()), wanted.encode())


def _progress(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.received), "Upload-Expires": http_date(upload.expires_at)}


def _answer(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(status=status, headers={"Tus-Resumable": VERSION, **(headers or {})})


def _problem(status: int, code: str, message: str) -> Response:
    response = jsonify(error=code, message=message)
    response.status_code = status
    response.headers["Tus-Resumable"] = VERSION
    return response
