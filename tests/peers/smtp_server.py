"""A mail server on a local port, by aiosmtpd, that misbehaves on request; and raw sockets that are none at all."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Literal, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Mode = Literal["ok", "refuse", "refuse_data", "temporary", "stall", "drop", "drop_after"]


@dataclass
class SmtpServer:
    """mode: what each message meets. refuse (550 at RCPT), refuse_data (554), temporary (451), stall (no answer to
    DATA for ``stall_seconds``), drop (the line breaks at DATA), drop_after (taken, and the line breaks before the yes).
    refused: addresses that meet a 550 whatever the mode. refuse_share, stall_share: how many mails are refused for good
    (554), and how many answers are kept back for a random part of ``stall_seconds``, in mode "ok".
    """

    mode: Mode = "ok"
    refused: set[str] = field(default_factory=set)
    stall_seconds: float = 2.0
    refuse_share: float = 0.0
    stall_share: float = 0.0
    stalls: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mode == "refuse" or address in self.refused:
            return "550 5.1.1 No such user here: " + address
        if self.mode == "temporary":
            return "451 4.7.1 Greylisted, try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.mode == "refuse_data":
            return "554 5.7.1 Looks like spam"
        if self.chance.random() < self.refuse_share:
            return "554 5.7.1 Looks like spam"
        if self.chance.random() < self.stall_share:
            self.stalls += 1
            await asyncio.sleep(self.chance.random() * self.stall_seconds)
        if self.mode == "stall":
            await asyncio.sleep(self.stall_seconds)
        if self.mode == "drop":
            cast(Any, server).transport.abort()
            return "421 gone"
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(cast(EmailMessage, message_from_bytes(content, policy=cast(Any, default))))
        self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
        if self.mode == "drop_after":
            cast(Any, server).transport.abort()
        return "250 2.0.0 Taken"


@contextmanager
def smtp_server(**settings: Any) -> Iterator[SmtpServer]:
    """A running mail server on a free port."""
    peer = SmtpServer(**settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        peer.port = probe.getsockname()[1]
    controller = Controller(peer, hostname="127.0.0.1", port=peer.port)
    controller.start()
    try:
        yield peer
    finally:
        controller.stop()


@contextmanager
def raw_server(behaviour: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where ``behaviour`` is called with each connection, in a thread; answers the port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(32)
    ending = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                behaviour(connection)
            except OSError:
                return

    def accept() -> None:
        while not ending.is_set():
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ending.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def babble(connection: socket.socket) -> None:
    """A banner that no mail server would send."""
    connection.sendall(b"\x00\xffHELLO I AM A TOASTER\r\n")
    connection.recv(1024)


def say_nothing(connection: socket.socket) -> None:
    """Takes the connection and is silent until the other side gives up."""
    connection.recv(1024)
