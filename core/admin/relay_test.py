"""The operator tries the relay of video calls, and reads how the lines of the practices' calls were.

The page of the test connects to itself, through the relay and no other way. The other has figures alone: days and
practices, and nobody's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import url_for
from markupsafe import Markup

from core import db, plugin_system, tenancy, turn
from core.plugin_system import LineContext, LineDay
from core.tenancy import platform
from core.web import sent
from core.web.pages import render
from core.web.routes import CoreRoutes

routes = CoreRoutes("operator_relay", __name__, prefix="/operator/relay")

DAYS: Final = 14
_PRACTICES: Final = 20


@dataclass(frozen=True, slots=True)
class Lines:
    """The calls of one practice, day by day, the newest first."""

    name: str
    days: list[LineDay]


@routes.get("", access="operator")
def index() -> Markup:
    """Every address of the relay, and what came of it."""
    return render("operator/relay.html", relay=turn.credentials("operator"))


@routes.get("/lines", access="operator", scope="none")
def lines() -> Markup:
    """How the lines of calls were in the last days, practice by practice."""
    with db.scope(write=False):
        pages = max(1, -(-platform.count(status="active") // _PRACTICES))
        number = sent.page(pages)
        shown = platform.search(status="active", limit=_PRACTICES, offset=(number - 1) * _PRACTICES)
        practices = [(one.id, one.name) for one in shown]
    found = [Lines(name, _days(practice_id)) for practice_id, name in practices]
    with db.scope(write=False):
        return render(
            "operator/lines.html",
            practices=found,
            days=DAYS,
            page=number,
            pages=pages,
            page_url=lambda number: url_for(".lines", page=number),
        )


def _days(practice_id: UUID) -> list[LineDay]:
    with tenancy.practice_scope(practice_id, write=False):
        ctx = LineContext(tenancy.current(), db.utcnow() - timedelta(days=DAYS))
        found: list[LineDay] = plugin_system.call("call_lines", ctx)
    return sorted(found, key=lambda one: one.day, reverse=True)
