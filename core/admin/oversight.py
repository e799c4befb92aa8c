"""Oversight: who opened which record in an emergency and why, and that somebody looked at it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import abort, flash, g, redirect, request, url_for

from core import audit
from core.i18n import _
from core.security import emergency
from core.web.pages import render
from core.web.routes import StaffRoutes

PAGE: Final = 50
_MOST_PAGES: Final = 1000

routes = StaffRoutes("core", __name__, name="oversight", prefix="/oversight")


@routes.get("", permission=emergency.OVERSEE)
def index() -> str:
    """The accesses; what nobody has looked at yet comes first."""
    asked = request.args.get("page", "1")
    number = min(max(int(asked) if asked.isascii() and asked.isdecimal() else 1, 1), _MOST_PAGES)
    rows, total = emergency.page(PAGE, (number - 1) * PAGE)
    audit.lists(patient.id for _access, patient in rows)
    return render(
        "admin/oversight.html",
        rows=rows,
        page=number,
        pages=max(1, -(-total // PAGE)),
        page_url=lambda wanted: url_for("oversight.index", page=wanted),
    )


@routes.post("/<uuid:access_id>/review", permission=emergency.OVERSEE)
def review(access_id: UUID) -> Any:
    """Note that one was looked at."""
    try:
        emergency.review(access_id, g.user, request.form.get("note", "")[:2000])
    except LookupError:
        abort(404)
    flash(_("It is noted that you looked at it."), "success")
    return redirect(url_for("oversight.index"), 303)
