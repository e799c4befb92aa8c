"""Logs: structured, on standard error, and free of personal data.

A log line carries names of things (events, hooks, endpoints), ids, counts and types of exceptions. The text of an
exception may quote what somebody typed, so tracebacks are written without it; those of libraries, too.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core import audit
from core.settings import Settings

_OURS: Final = ("careroom", "core", "plugins")


def configure(settings: Settings) -> None:
    """Set up logging for this process: JSON in production, readable lines elsewhere."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.environment == "production"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        _traceback_without_messages,
    ]
    quiet = settings.log_level or ("warning" if settings.environment == "test" else "info")
    level = logging.WARNING if quiet == "warning" else logging.INFO
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )
    _take_over_standard_logging(shared, renderer, level)


def _take_over_standard_logging(shared: list[Processor], renderer: Any, level: int) -> None:
    """Lines of the standard library's loggers pass the same processors: one shape, and no exception's text.

    Libraries log requests, SQL and addresses at INFO; of them, a warning is worth reading.
    """
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, StandardError)]:
        root.removeHandler(handler)
    root.addHandler(StandardError(formatter))
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


class StandardError(logging.Handler):
    """Writes to what standard error is at the moment: tests and daemons replace it."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. A line that cannot be written is lost rather than an error of whoever logged it."""
        stream: TextIO = sys.stderr
        try:
            stream.write(self.format(record) + "\n")
            stream.flush()
        except (OSError, ValueError, TypeError):
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """The library's own would print the arguments of the line, whatever they are."""


def _to_standard_error(*args: Any) -> WrappedLogger:
    # Looked up at each call: tests and daemons replace sys.stderr.
    return structlog.PrintLogger(sys.stderr)


def _add_request_id(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if (request_id := audit.request_id()) is not None:
        event.setdefault("request_id", request_id)
    return event


def _traceback_without_messages(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    asked = event.pop("exc_info", None)
    record = event.get("_record")
    if record is not None and record.exc_info:
        # The formatter of the standard library would print it after us.
        asked, record.exc_info, record.exc_text = record.exc_info, None, None
    if isinstance(asked, tuple):
        asked = asked[1]
    error = asked if isinstance(asked, BaseException) else sys.exc_info()[1] if asked else None
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        event["trace"] = " > ".join(f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in frames[-8:])
        event.setdefault("error", type(error).__name__)
    return event
