"""S3 as an fsspec file system over boto3, for every mode that the web process runs in.

s3fs, fsspec's own, cannot serve a green process: docs/decisions/0009-s3-by-boto3.md. This one blocks like a file
does, so eventlet and gevent turn its waits into turns of the others. Address and keys come from the usual AWS
settings (AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, or a role).

It holds what the blob store needs, no more: whole objects written once, read by ranges, listed and removed.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.spec import AbstractFileSystem

PART: Final = 8 * 1024 * 1024
"""Bytes held in memory of an object on its way up; longer ones go in parts of this size."""
WINDOW: Final = 2 * 1024 * 1024
"""Bytes fetched at once while reading: most renditions come in one request."""
_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=50,
    # Newer checksums than MD5 are refused by some stores that speak S3; ours are sent as Content-MD5.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_A_PAGE: Final = 1000
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})


@contextmanager
def _as_os_errors(path: str) -> Iterator[None]:
    """What boto3 raises as the errors that file systems raise."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _ABSENT:
            raise FileNotFoundError(path) from None
        raise OSError(f"S3 answered {code}") from error
    except BotoCoreError as error:
        raise OSError(f"S3 was not reached: {type(error).__name__}") from error


class S3FileSystem(AbstractFileSystem):
    """Paths are ``bucket/key``."""

    protocol = ("s3", "s3a")
    root_marker = ""
    cachable = False  # fsspec would keep one a thread; the store keeps one a process

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # A session of its own: boto3's default one is not safe to share between threads, its clients are.
        self.client = boto3.session.Session().client("s3", config=_CONFIG)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> io.RawIOBase:
        bucket, key = _split(path)
        if mode == "rb":
            return S3Reader(self.client, bucket, key)
        if mode == "wb":
            return S3Writer(self.client, bucket, key)
        raise ValueError(f"no mode {mode} in this store")

    def rm_file(self, path: str) -> None:
        """S3 answers the same whether there was such an object or not."""
        bucket, key = _split(self._strip_protocol(path))
        with _as_os_errors(path):
            self.client.delete_object(Bucket=bucket, Key=key)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        bucket, key = _split(self._strip_protocol(path))
        with _as_os_errors(path):
            found = self.client.head_object(Bucket=bucket, Key=key)
        return _entry(bucket, key, found["ContentLength"], found["LastModified"])

    def exists(self, path: str, **options: Any) -> bool:
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        bucket, key = _split(self._strip_protocol(path))
        pages = self.client.get_paginator("list_objects_v2")
        found: list[dict[str, Any]] = []
        with _as_os_errors(path):
            for page in pages.paginate(Bucket=bucket, Prefix=_folder(key), Delimiter="/"):
                found += [
                    {"name": f"{bucket}/{folder['Prefix'].rstrip('/')}", "size": 0, "type": "directory"}
                    for folder in page.get("CommonPrefixes", ())
                ]
                found += [
                    _entry(bucket, o["Key"], o["Size"], o["LastModified"]) for o in page.get("Contents", ())
                ]
        return found if detail else [entry["name"] for entry in found]

    def objects_below(self, path: str) -> Iterator[dict[str, Any]]:
        """Every object below a path, a thousand a request however many folders they are in."""
        bucket, key = _split(self._strip_protocol(path))
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=_folder(key), PaginationConfig={"PageSize": _A_PAGE}
        )
        with _as_os_errors(path):
            for page in pages:
                for o in page.get("Contents", ()):
                    yield _entry(bucket, o["Key"], o["Size"], o["LastModified"])


def _split(path: str) -> tuple[str, str]:
    bucket, _slash, key = path.partition("/")
    return bucket, key


def _folder(key: str) -> str:
    return f"{key.rstrip('/')}/" if key else ""


def _entry(bucket: str, key: str, size: int, stored_at: datetime) -> dict[str, Any]:
    return {"name": f"{bucket}/{key}", "size": size, "type": "file", "LastModified": stored_at}


class S3Reader(io.RawIOBase):
    """Reads an object by windows. The first one is fetched on opening and tells the size. Raises OSError."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        super().__init__()
        self._client, self._bucket, self._key = client, bucket, key
        self._position = 0
        self.size = 0
        self._start, self._held = 0, b""
        self._fetch(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the start")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """As many bytes as were asked for; fewer only at the end. Unlike a raw file's: nobody loops around this."""
        left = max(0, self.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        pieces: list[bytes] = []
        while wanted:
            if not self._start <= self._position < self._start + len(self._held):
                self._fetch(self._position)
            begin = self._position - self._start
            piece = self._held[begin : begin + wanted]
            if not piece:
                raise OSError("S3 gave fewer bytes than it said")
            pieces.append(piece)
            self._position += len(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        piece = self.read(len(target))
        target[: len(piece)] = piece
        return len(piece)

    def _fetch(self, start: int) -> None:
        with _as_os_errors(self._key):
            try:
                found = self._client.get_object(
                    Bucket=self._bucket, Key=self._key, Range=f"bytes={start}-{start + WINDOW - 1}"
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in ("InvalidRange", "416"):
                    return  # an empty object has no first byte
                raise
            self._start, self._held = start, found["Body"].read()
        # "bytes 0-99/1234"
        self.size = int(found["ContentRange"].rpartition("/")[2])


class S3Writer(io.RawIOBase):
    """Writes an object, seen by others only when :meth:`close` has returned. :meth:`discard` leaves nothing."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        super().__init__()
        self._client = client
        self._object = {"Bucket": bucket, "Key": key}
        self._waiting = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._waiting += piece
        while len(self._waiting) > PART:
            self._send(PART)
        return len(piece)

    def close(self) -> None:
        if self.closed:
            return
        try:
            with _as_os_errors(self._object["Key"]):
                self._complete()
        except BaseException:
            self.discard()
            raise
        super().close()

    def discard(self) -> None:
        """Give up: parts that were sent are taken back, as far as the store answers."""
        if self.closed:
            return
        super().close()
        if self._upload is not None:
            with _as_os_errors(self._object["Key"]):
                self._client.abort_multipart_upload(**self._object, UploadId=self._upload)

    def _complete(self) -> None:
        if self._upload is None:
            body = bytes(self._waiting)
            self._client.put_object(**self._object, Body=body, ContentMD5=_md5(body))
            return
        self._send(len(self._waiting))
        self._client.complete_multipart_upload(
            **self._object, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
        )

    def _send(self, size: int) -> None:
        body = bytes(self._waiting[:size])
        del self._waiting[:size]
        with _as_os_errors(self._object["Key"]):
            if self._upload is None:
                self._upload = self._client.create_multipart_upload(**self._object)["UploadId"]
            number = len(self._parts) + 1
            sent = self._client.upload_part(
                **self._object, UploadId=self._upload, PartNumber=number, Body=body, ContentMD5=_md5(body)
            )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})

    def __del__(self) -> None:
        # A file that nobody closed must not appear: IOBase's own finaliser would close, and so complete, it.
        if not self.closed:
            super().close()


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
