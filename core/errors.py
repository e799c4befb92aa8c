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


class Worded(Refused):
    """A refusal with a sentence of its own: the base of a plugin's errors. ``kind`` is its code.

    A class says ``kind`` and ``text``, a lazy sentence; whoever raises it may say something more precise.
    """

    kind = "refused"
    text: object

    def __init__(self, message: str | None = None, *, status: int = 409) -> None:
        super().__init__(message or str(self.text), self.kind, status=status)
