"""What a person can be told: the base of every exception whose message may be shown."""

from __future__ import annotations


class Refused(Exception):
    """What was asked cannot be done. ``message`` is translated and says what to do; ``code`` is for programs.

    The web room answers it as a page, or as ``{"error": {"code", "message"}}`` to a caller that wants JSON, with
    ``status``; what the request had written is undone.
    """

    def __init__(self, message: str, code: str = "refused", *, status: int = 409) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
