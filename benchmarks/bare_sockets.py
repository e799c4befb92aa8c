"""Socket.IO on eventlet that hands a message on to another socket, with nothing of Careroom. For bench_video_line."""

import sys
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet
    import eventlet.wsgi

eventlet.monkey_patch()

import socketio  # noqa: E402 - after the replacement of what blocks

server = socketio.Server(async_mode="eventlet", cors_allowed_origins="*")


def join(sid: str, said: dict[str, Any]) -> dict[str, bool]:
    server.enter_room(sid, said["room"])
    return {"ok": True}


def relay(sid: str, said: dict[str, Any]) -> dict[str, bool]:
    server.emit("relayed", said, room=said["to"], skip_sid=sid)
    return {"ok": True}


server.on("join", join)
server.on("relay", relay)

if __name__ == "__main__":
    listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])), backlog=512)
    eventlet.wsgi.server(listener, socketio.WSGIApp(server), log_output=False)
