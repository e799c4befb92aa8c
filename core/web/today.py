"""Today: what waits for the practice, and the quickest way to a patient."""

from __future__ import annotations

from flask import g
from markupsafe import Markup

from core import db, i18n
from core.i18n import _
from core.web import panels
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="today", prefix="")


@routes.get("/", permission="core.work")
def index() -> Markup:
    """Greeting, the cards of the plugins, and beside them what waits for this person and for the practice."""
    ctx = panels.staff_context()
    now = i18n.local(db.utcnow())
    offered = panels.of_today(ctx)
    return render(
        "today/index.html",
        greeting=greeting(now.hour, g.user.first_name),
        today=now.date(),
        panels=panels.show(offered, "today.main", ctx),
        side=panels.show(offered, "today.side", ctx),
        may_search=ctx.can("core.view_patients"),
        may_add=ctx.can("core.edit_patients"),
        may_manage_plugins=ctx.can("core.manage_plugins"),
    )


def greeting(hour: int, name: str) -> str:
    """By the practice's clock."""
    if 5 <= hour < 12:
        return _("Good morning, %(name)s", name=name)
    if 12 <= hour < 18:
        return _("Good afternoon, %(name)s", name=name)
    return _("Good evening, %(name)s", name=name)
