"""Rendering pictures safely: one warm child of this process, used again and again, replaced when it fails.

The child (:mod:`core.files.picture_child`) is a program of its own with limits. What comes back is checked here as
if the child had been taken over: sizes, lengths, and that the JPEG carries nothing but a picture.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import io
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from core.files import headers, picture_child
from core.files.errors import REASONS, FilesError, PictureFailed
from core.files.picture_child import CPU_SECONDS, FORMATS, LARGE_SIDE, MEMORY_BYTES, SIZES, THUMB_SIDE

WALL_SECONDS: Final = 60.0
"""How long one picture may take on a busy machine."""
PICTURES_A_CHILD: Final = 200
_LAST_BREATH: Final = 0.5
_LARGEST_ANSWER: Final = 16 * 1024 * 1024
# What a fresh encode writes before the scan: JFIF, tables, frame, scan. No EXIF (E1), ICC (E2), comment (FE).
_PLAIN_MARKERS: Final = frozenset({0xE0, 0xDB, 0xC0, 0xC4, 0xDA})


class ChildFailed(FilesError):
    """The child died or fell silent over a picture."""


class ChildKilled(ChildFailed):
    """Somebody else ended the child (the machine ran out of memory, an administrator): the picture may be fine.

    None of the child's own limits ends it like this: processor time sends SIGXCPU, memory fails an allocation.
    """


@dataclass(frozen=True, slots=True)
class Picture:
    """One clean JPEG."""

    name: str
    content: bytes
    width: int
    height: int
    media_type: str = "image/jpeg"


class Child:
    """One rendering process."""

    def __init__(self, *, memory: int = MEMORY_BYTES, cpu_seconds: int = CPU_SECONDS) -> None:
        # A new program, not a fork: nothing of this process (keys, sockets, patched modules) is in it. -I keeps
        # the environment and the working folder from choosing what it imports.
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(picture_child.__file__)), str(memory), str(cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Pictures take and give back tens of megabytes each: in large pages that is a fifth of the time less.
            env={"LANG": "C.UTF-8", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
            cwd="/",
            close_fds=True,
            start_new_session=True,
            bufsize=0,
        )
        self._in, self._out = (pipe.fileno() for pipe in self._pipes())
        for pipe in (self._in, self._out):
            _widen(pipe)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self.pictures = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, format: str, content: bytes, seconds: float) -> list[bytes]:
        """Send one picture and wait for the frames of the answer. Raises ChildFailed; the child is then dead."""
        self.pictures += 1
        head = picture_child.frame(format.encode()) + picture_child.length_of(content)
        try:
            return self._exchange([memoryview(head), memoryview(content)], time.monotonic() + seconds)
        except (OSError, ChildFailed) as error:
            kind = ChildKilled if self._was_killed() else ChildFailed
            self.end()
            raise kind(str(error)) from error

    def _exchange(self, request: list[memoryview], deadline: float) -> list[bytes]:
        poller = select.poll()
        poller.register(self._out, select.POLLIN)
        poller.register(self._in, select.POLLOUT)
        received = bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChildFailed("took too long")
            for descriptor, event in poller.poll(left * 1000):
                if descriptor == self._in:
                    if event & ~select.POLLOUT:
                        raise ChildFailed("closed its input")
                    request[0] = request[0][os.write(self._in, request[0][: 1 << 20]) :]
                    if not request[0]:
                        request.pop(0)
                    if not request:
                        poller.unregister(self._in)
                elif piece := os.read(self._out, 1 << 20):
                    received += piece
                    if len(received) > _LARGEST_ANSWER:
                        raise ChildFailed("answered too much")
                    if (frames := _whole_answer(received)) is not None:
                        return frames
                else:
                    raise ChildFailed("ended")

    def _was_killed(self) -> bool:
        """Did it end by SIGKILL? Asked before we may send one ourselves; its pipes close a moment before it is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(_LAST_BREATH) == -signal.SIGKILL
        return False

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        for pipe in self._pipes():
            pipe.close()
        self._process.wait()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise ChildFailed("has no pipes")
        return self._process.stdin, self._process.stdout


def _widen(pipe: int) -> None:
    """Give a pipe room for a megabyte, so that a photo needs few turns of the two processes; what Linux allows."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _whole_answer(received: bytearray) -> list[bytes] | None:
    """The frames when all have come: four after "ok", else one."""
    borders: list[tuple[int, int]] = []
    place = 0
    while len(borders) < 4:
        if len(received) < place + 4:
            return None
        start = place + 4
        place = start + int.from_bytes(received[place:start], "big")
        if len(received) < place:
            return None
        borders.append((start, place))
        if received[slice(*borders[0])] != b"ok":
            break
    if len(received) > place:
        raise ChildFailed("said more than it was asked")
    return [bytes(memoryview(received)[start:end]) for start, end in borders]


class Renderer:
    """Keeps one warm child and renders with it, one picture at a time. Safe to use from several threads."""

    def __init__(
        self, *, memory: int = MEMORY_BYTES, cpu_seconds: int = CPU_SECONDS, seconds: float = WALL_SECONDS
    ) -> None:
        self._memory, self._cpu_seconds, self._seconds = memory, cpu_seconds, seconds
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._owner = os.getpid()

    def render(self, content: bytes, media_type: str) -> tuple[Picture, Picture]:
        """The large picture and the thumb. Raises PictureFailed with a reason code.

        Raises ChildKilled when two children in a row were killed from outside: ask again later.
        """
        with self._lock:
            try:
                frames = self._ask(FORMATS[media_type], content)
            except ChildFailed:
                # It may have been somebody else's fault (the machine ran out of memory): once more, afresh.
                try:
                    frames = self._ask(FORMATS[media_type], content)
                except ChildKilled:
                    raise
                except ChildFailed:
                    raise PictureFailed("too_complex") from None
        return _checked(frames)

    def child_pid(self) -> int | None:
        """The process id of the warm child, for measurements."""
        return self._child.pid if self._child else None

    def close(self) -> None:
        """End the child, if there is one; the next picture starts another."""
        child, self._child = self._child, None
        if child is not None and self._owner == os.getpid():
            child.end()

    def _ask(self, format: str, content: bytes) -> list[bytes]:
        if self._owner != os.getpid():  # we are a fork: the child belongs to our parent
            self._child, self._owner = None, os.getpid()
        if self._child is not None and self._child.pictures >= PICTURES_A_CHILD:
            self.close()
        if self._child is None:
            self._child = Child(memory=self._memory, cpu_seconds=self._cpu_seconds)
        try:
            frames = self._child.ask(format, content, self._seconds)
        except ChildFailed:
            self._child = None
            raise
        if frames[0] == b"too_complex":
            self.close()  # after a failed allocation a process is no place for the next patient's picture
        return frames


def _checked(frames: list[bytes]) -> tuple[Picture, Picture]:
    if frames[0] != b"ok":
        reason = frames[0].decode("ascii", "replace")
        raise PictureFailed(reason if reason in REASONS else "damaged")
    if len(frames[1]) != SIZES.size:
        raise PictureFailed("damaged")
    sizes = SIZES.unpack(frames[1])
    large = Picture("large", frames[2], *sizes[:2])
    thumb = Picture("thumb", frames[3], *sizes[2:])
    for picture, limit in ((large, LARGE_SIDE), (thumb, THUMB_SIDE)):
        _check_plain(picture, limit)
    return large, thumb


def _check_plain(picture: Picture, longest: int) -> None:
    """It is a JPEG of the size it claims, and carries nothing along. Raises PictureFailed."""
    try:
        shape = headers.jpeg(io.BytesIO(picture.content))
        markers, trailing = headers.jpeg_markers(io.BytesIO(picture.content))
    except headers.HeaderError:
        raise PictureFailed("damaged") from None
    if shape != headers.Shape(picture.width, picture.height) or max(picture.width, picture.height) > longest:
        raise PictureFailed("damaged")
    if trailing or not _PLAIN_MARKERS.issuperset(markers):
        raise PictureFailed("damaged")


_renderer = Renderer()


def render(content: bytes, media_type: str) -> tuple[Picture, Picture]:
    """Render with this process's warm child. Raises PictureFailed."""
    return _renderer.render(content, media_type)


def close() -> None:
    """End this process's child."""
    _renderer.close()


atexit.register(close)
