"""Oversight: who opened which record in an emergency and why, and that somebody looked at it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import abort, flash, g, redirect, request, url_for

from core import audit
from core.i18n import _
from core.security import emergency
from core.web import sent
from core.web.pages import render
from core.web.routes import StaffRoutes

PAGE: Final = 50

routes = StaffRoutes("core", __name__, name="oversight", prefix="/oversight")


@routes.get("", permission=emergency.OVERSEE)
def index() -> str:
    """The accesses; what nobody has looked at yet comes first."""
    pages = max(1, -(-emergency.count() // PAGE))
    number = sent.page(pages)
    rows = emergency.page(PAGE, (number - 1) * PAGE)
    audit.lists(patient.id for _access, patient in rows)
    return render(
        "admin/oversight.html",
        rows=rows,
        page=number,
        pages=pages,
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
