"""Stores what plugins failed at once an answer has been sent: nobody waits for it."""

from __future__ import annotations

from flask import Flask, Response

from core.plugin_system import faults


def install(app: Flask) -> None:
    """After each answer that has something to tell."""
    app.after_request(_when_sent)


def _when_sent(response: Response) -> Response:
    if faults.are_waiting():
        response.call_on_close(faults.settle)
    return response
