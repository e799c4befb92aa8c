"""The operator tries the relay of video calls: the page connects to itself, through the relay and no other way."""

from __future__ import annotations

from markupsafe import Markup

from core import turn
from core.web.pages import render
from core.web.routes import CoreRoutes

routes = CoreRoutes("operator_relay", __name__, prefix="/operator/relay")


@routes.get("", access="operator")
def index() -> Markup:
    """Every address of the relay, and what came of it."""
    return render("operator/relay.html", relay=turn.credentials("operator"))
