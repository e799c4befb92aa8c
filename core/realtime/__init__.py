"""The bus: what happened is stored and numbered (events), pages hear of it live (sockets).

This package's front is free of Flask and Socket.IO; the sockets are set up by :mod:`core.realtime.sockets`.
"""

from core.realtime.events import CatchUp, catch_up, events_since, last_seq, publish, sweep
from core.realtime.socket_events import SocketContext, SocketEvent, SocketRefused
from core.realtime.tickets import end_session
from core.realtime.topics import BadEvent, owner_of, topic

__all__ = [
    "BadEvent",
    "CatchUp",
    "SocketContext",
    "SocketEvent",
    "SocketRefused",
    "catch_up",
    "end_session",
    "events_since",
    "last_seq",
    "owner_of",
    "publish",
    "sweep",
    "topic",
]
