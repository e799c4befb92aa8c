"""What can be seen of a running process: its logs, its metrics, its health. Nothing of it is about anybody."""

from core.observability.logs import configure
from core.observability.readiness import Readiness, Reason

__all__ = ["Readiness", "Reason", "configure"]
