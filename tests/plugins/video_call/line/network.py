"""A small network of its own for two browsers: a bridge with the server and coturn on it, a namespace for each browser.

A cable is pulled by taking the browser's end off the bridge, so that nothing in the browser is told of it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.certificates import make_certificate

CONFIGURATION = Path(__file__).parents[4] / "deploy" / "coturn" / "turnserver.conf"
SECRET = "a secret of the tests for the relay"
_NET = f"10.177.{os.getpid() % 256}"  # two processes of the tests may have one at a time
HUB = f"{_NET}.1"
_made = itertools.count()


class Impossible(RuntimeError):
    """This machine does not let us make network namespaces, or has no coturn."""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"ip {' '.join(words)}: {done.stderr.strip()}")


@dataclass
class Cable:
    """One browser's place in the network."""

    name: str
    address: int
    bridge: str

    @property
    def end(self) -> str:
        return f"{self.name}h"

    def pull(self) -> None:
        _ip("link", "set", self.end, "nomaster")

    def plug(self) -> None:
        _ip("link", "set", self.end, "master", self.bridge)

    def move(self, address: int) -> None:
        """Another address, as from one network to the next."""
        self._inside("addr", "flush", "dev", "eth0")
        self.address = address
        self._inside("addr", "add", f"{_NET}.{address}/24", "dev", "eth0")

    def isolate(self, isolated: bool) -> None:
        """With both ends isolated, only the hub is reached: no direct way from one to the other."""
        subprocess.run(
            ["bridge", "link", "set", "dev", self.end, "isolated", "on" if isolated else "off"], check=True
        )

    def program(self, folder: Path, program: str) -> Path:
        """A command that runs ``program`` here."""
        written = folder / f"{self.name}.sh"
        written.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        written.chmod(0o755)
        return written

    def _inside(self, *words: str) -> None:
        _ip("-n", self.name, *words)


@dataclass
class Network:
    """Two cables and a hub."""

    cables: list[Cable] = field(default_factory=list)


@contextmanager
def network() -> Iterator[Network]:
    """Make it. Raises Impossible."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("bridge"):
        raise Impossible("network namespaces need root and iproute2")
    # A name of its own each time: the kernel takes a namespace's cable away a while after the namespace.
    tag = f"c{os.getpid() % 1_000_000}{next(_made)}"
    bridge = f"{tag}b"
    with ExitStack() as undo:
        _ip("link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        undo.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{HUB}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        made = Network()
        for number, letter in ((2, "x"), (3, "y")):
            cable = Cable(f"{tag}{letter}", number, bridge)
            _ip("netns", "add", cable.name)
            undo.callback(_ip, "netns", "del", cable.name)
            _ip("link", "add", cable.end, "type", "veth", "peer", "name", "eth0", "netns", cable.name)
            cable.plug()
            _ip("link", "set", cable.end, "up")
            cable._inside("link", "set", "lo", "up")
            cable._inside("link", "set", "eth0", "up")
            cable.move(number)
            made.cables.append(cable)
        yield made


@contextmanager
def coturn(
    port: int,
    folder: Path,
    address: str = HUB,
    peers: str = f"{_NET}.0-{_NET}.255",
    secret: str = SECRET,
    tls_port: int | None = None,
) -> Iterator[None]:
    """The relay, with the configuration that we ship. tls_port: where it speaks TLS, with a certificate of its own
    making. Raises Impossible."""
    program = shutil.which("turnserver")
    if program is None:
        raise Impossible("coturn is not installed (apt-get install coturn)")
    filled = [
        line
        for line in CONFIGURATION.read_text().splitlines()
        if "<" not in line and not line.startswith(("cert", "pkey", "tls-"))
    ]
    written = folder / "turnserver.conf"
    changes = [
        f"static-auth-secret={secret}", "realm=careroom.test", f"listening-ip={address}", f"relay-ip={address}",
        f"allowed-peer-ip={peers}", "no-dtls", *_tls(folder, tls_port),
        f"pidfile={folder / 'turn.pid'}", f"userdb={folder / 'turn.db'}",
    ]  # fmt: skip
    filled = [line for line in filled if not line.startswith("listening-port")]
    written.write_text("\n".join([*filled, *changes, f"listening-port={port}", ""]))
    with (folder / "coturn.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(written)], stdout=log, stderr=log, cwd=folder)
    try:
        _until_it_listens(port, address)
        yield
    finally:
        process.kill()
        process.wait()


def _tls(folder: Path, port: int | None) -> tuple[str, ...]:
    if port is None:
        return ("no-tls",)
    make_certificate(folder)
    return (
        f"tls-listening-port={port}", f"cert={folder / 'fullchain.pem'}", f"pkey={folder / 'privkey.pem'}",
    )  # fmt: skip


def _until_it_listens(port: int, address: str) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(OSError):
            socket.create_connection((address, port), 1).close()
            return
        time.sleep(0.1)
    raise Impossible("coturn does not answer")


@contextmanager
def reachable(port: int) -> Iterator[str]:
    """Carry what comes to the hub's address on to the loopback address; answers the URL to ask there."""
    door = socket.create_server((HUB, port), reuse_port=True)
    threading.Thread(target=_accept, args=(door, port), daemon=True).start()
    try:
        yield f"http://{HUB}:{port}"
    finally:
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)  # or the thread would wait for the next for ever
        door.close()


def _accept(door: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            outer, _ = door.accept()
            threading.Thread(target=_join, args=(outer, port), daemon=True).start()


def _join(outer: socket.socket, port: int) -> None:
    """Carry both ways until one side is done; then both ends are closed."""
    with outer, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as inner:
        back = threading.Thread(target=_carry, args=(inner, outer), daemon=True)
        back.start()
        _carry(outer, inner)
        back.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
