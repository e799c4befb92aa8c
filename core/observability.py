"""Logs: structured, on standard error, and free of personal data.

A log line carries names of things (events, hooks, endpoints), ids, counts and types of exceptions. The text of an
exception may quote what somebody typed, so tracebacks are written without it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from core import audit
from core.settings import Settings


def configure(settings: Settings) -> None:
    """Set up structlog for this process: JSON in production, readable lines elsewhere."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.environment == "production"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_request_id,
            _traceback_without_messages,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if settings.environment == "test" else logging.INFO
        ),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )
    # Libraries log requests, SQL and addresses at INFO; what they say as a warning is worth reading.
    for name in ("alembic", "flask_appbuilder", "sqlalchemy", "twilio", "engineio", "socketio", "werkzeug"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _to_standard_error(*args: Any) -> WrappedLogger:
    # Looked up at each call: tests and daemons replace sys.stderr.
    return structlog.PrintLogger(sys.stderr)


def _add_request_id(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if (request_id := audit.request_id()) is not None:
        event.setdefault("request_id", request_id)
    return event


def _traceback_without_messages(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    asked = event.pop("exc_info", None)
    error = asked if isinstance(asked, BaseException) else sys.exc_info()[1] if asked else None
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        event["trace"] = " > ".join(f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in frames[-8:])
        event.setdefault("error", type(error).__name__)
    return event
