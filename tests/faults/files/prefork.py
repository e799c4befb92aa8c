"""Starts processes of Careroom quickly: everything is imported once, then each start is a fork.

``python -m tests.faults.files.prefork web|worker``: reads "start <arguments>" lines, answers the process id of each
new process. What runs in it is `python -m core.server` or `careroom worker` from their first own line on; only the
seconds of importing are saved, which a test with hundreds of kills cannot pay.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys


def main(kind: str) -> None:
    from core import server

    if kind == "web":
        server.make_green("eventlet")
        server.make_green = lambda mode: None  # done: this process has imported the rest since
    for module in ("core.app", "core.cli", "core.worker", "plugins.photo_request"):
        importlib.import_module(module)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    print("ready", flush=True)
    for line in sys.stdin:
        arguments = line.split()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _run(kind, arguments)
        print(child, flush=True)


def _run(kind: str, arguments: list[str]) -> None:
    from core import cli, server

    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    code = 1
    try:
        if kind == "web":
            code = server.main(arguments)
        else:
            cli.main(["worker"], standalone_mode=False)
            code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
