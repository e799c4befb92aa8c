"""A WebSocket client as small as can be, which can also misbehave."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError


class Wire:
    """An open WebSocket. Raises ConnectionError when the server refuses it."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        target = f"{parts.path}?{parts.query}"
        hello = Request(host=parts.netloc, target=target, extra_headers=extra)
        self._socket.sendall(self._protocol.send(hello))
        self._waiting: list[str] = []
        self._part = ""
        self._open = False
        self._first_events()

    def _first_events(self) -> None:
        while not self._open:
            if not self._receive():
                self.cut()
                raise ConnectionError("refused")

    def send(self, message: str | bytes) -> None:
        self._send(Message(data=message))

    def send_part(self, message: str, *, last: bool) -> None:
        """Send a fragment of a message."""
        self._send(TextMessage(data=message, message_finished=last))

    def _send(self, event: Message) -> None:
        try:
            self._socket.sendall(self._protocol.send(event))
        except ProtocolError as error:
            raise ConnectionError("closed") from error

    def frames(self) -> Iterator[str]:
        """Text messages until the connection ends."""
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            if not self._receive():
                return

    def cut(self) -> None:
        """End the connection without a word."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _receive(self) -> bool:
        try:
            data = self._socket.recv(65536)
            self._protocol.receive_data(data or None)
            return self._take_all() and bool(data)
        except (OSError, ProtocolError):
            return False

    def _take_all(self) -> bool:
        goes_on = True
        for event in self._protocol.events():
            goes_on = self._take(event) and goes_on
        return goes_on

    def _take(self, event: object) -> bool:
        if isinstance(event, AcceptConnection):
            self._open = True
        elif isinstance(event, TextMessage):
            self._part += event.data
            if event.message_finished:
                self._waiting.append(self._part)
                self._part = ""
        elif isinstance(event, Ping):
            self._socket.sendall(self._protocol.send(event.response()))
        return not isinstance(event, CloseConnection | RejectConnection | BytesMessage)
