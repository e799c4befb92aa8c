"""A patient's phone that sends photos through a server that dies: it asks for the offset and goes on, as tus says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import requests

TUS = {"Tus-Resumable": "1.0.0"}
_SECONDS = 10


class Refused(AssertionError):
    """The server said something that a phone cannot get over by trying again."""


class Phone:
    """One patient behind one link.

    acknowledged: photo id -> SHA-256, from the moment when the server has said that it has it all.
    """

    def __init__(self, base_url: str, path: str, born: tuple[int, int, int], stop: threading.Event) -> None:
        self._base, self._path, self._born, self._stop = base_url, path, born, stop
        self._session = requests.Session()
        self._place, self._token = "", ""
        self.acknowledged: dict[UUID, str] = {}
        self.failures: list[str] = []

    def enter(self) -> None:
        page = self._ask(lambda: self._session.get(self._base + self._path, timeout=_SECONDS))
        day, month, year = self._born
        form = {"day": day, "month": month, "year": year, "csrf_token": _token_of(page.text)}
        answer = self._ask(
            lambda: self._session.post(
                self._base + self._path, data=form, timeout=_SECONDS, allow_redirects=False,
                headers={"Referer": self._base + self._path},
            )
        )  # fmt: skip
        if answer.status_code != 303:
            raise Refused(f"entering: {answer.status_code}")
        self._place = self._base + answer.headers["Location"].removeprefix(self._base).split("?")[0].rstrip(
            "/"
        )
        start = self._ask(lambda: self._session.get(f"{self._place}/", timeout=_SECONDS))
        self._token = _token_of(start.text)

    def send(self, photos: list[bytes], chunk: int) -> None:
        """Agree and send all; those that were acknowledged are noted as soon as they are."""
        chosen = {uuid4(): photo for photo in photos}
        listed = [{"id": str(id), "size": len(photo), "comment": ""} for id, photo in chosen.items()]
        agreed = self._ask(
            lambda: self._session.post(
                f"{self._place}/agree",
                data=json.dumps({"agreed": True, "photos": listed}),
                headers={**self._headers(), "Content-Type": "application/json", "Accept": "application/json"},
                timeout=_SECONDS,
            )
        )
        if agreed.status_code != 200:
            raise Refused(f"agreeing: {agreed.status_code} {agreed.text[:300]}")
        for id, photo in chosen.items():
            if self._stop.is_set():
                return
            self._send_one(id, photo, chunk)

    def _send_one(self, id: UUID, photo: bytes, chunk: int) -> None:
        url = f"{self._place}/uploads"
        values = {"id": str(id), "filename": "photo.jpg", "filetype": "image/jpeg"}
        metadata = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())
        made = self._ask(
            lambda: self._session.post(
                url, headers={**self._headers(), "Upload-Length": str(len(photo)), "Upload-Metadata": metadata},
                timeout=_SECONDS,
            )
        )  # fmt: skip
        if made.status_code != 201:
            raise Refused(f"creating: {made.status_code} {made.text[:300]}")
        offset = int(made.headers["Upload-Offset"])
        while offset < len(photo):
            offset = self._send_part(f"{url}/{id}", photo, offset, chunk)
        self.acknowledged[id] = hashlib.sha256(photo).hexdigest()

    def _send_part(self, url: str, photo: bytes, offset: int, chunk: int) -> int:
        headers = {
            **self._headers(),
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        part = photo[offset : offset + chunk]
        try:
            answer = self._session.patch(url, data=part, headers=headers, timeout=_SECONDS)
            if answer.status_code == 204:
                return int(answer.headers["Upload-Offset"])
            if answer.status_code not in (409, 423) and answer.status_code < 500:
                raise Refused(f"a part: {answer.status_code} {answer.text[:300]}")
        except requests.RequestException:
            pass
        found = self._ask(lambda: self._session.head(url, headers=self._headers(), timeout=_SECONDS))
        if found.status_code != 200:
            raise Refused(f"asking for the offset: {found.status_code}")
        return int(found.headers["Upload-Offset"])

    def _headers(self) -> dict[str, str]:
        return {**TUS, "X-CSRFToken": self._token}

    def _ask(self, send: Callable[[], requests.Response]) -> requests.Response:
        """Until there is an answer that is not a server's error."""
        end = time.monotonic() + 60
        while True:
            try:
                answer = send()
                if answer.status_code < 500:
                    return answer
            except requests.RequestException:
                pass
            if time.monotonic() > end:
                raise Refused("no answer for a minute")
            time.sleep(0.05)


def _token_of(page: str) -> str:
    found = re.search(r'name="csrf[-_]token"[^>]*(?:content|value)="([^"]+)"', page)
    return found.group(1) if found else ""


@contextmanager
def sending(
    phones: Iterator[Phone],
    photos: Callable[[], list[bytes]],
    *,
    at_once: int,
    chunk: int,
    stop: threading.Event,
) -> Iterator[list[Phone]]:
    """Keep so many phones busy, one patient after the other, until the block ends."""
    used: list[Phone] = []
    lock = threading.Lock()

    def work() -> None:
        while not stop.is_set():
            with lock:
                phone = next(phones)
                used.append(phone)
            try:
                phone.enter()
                phone.send(photos(), chunk)
            except Exception as error:
                phone.failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield used
    finally:
        stop.set()
        for thread in threads:
            thread.join()
