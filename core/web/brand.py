"""A practice's colour as a stylesheet, and its logo: both are for everybody who sees one of its pages.

The stylesheet follows from the colour in its address and nothing else, so no session and no table is asked.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Response, abort, url_for

from core import branding, db, tenancy
from core.tenancy import Practice
from core.web.file_response import file_response
from core.web.routes import CoreRoutes

_FOREVER: Final = "public, max-age=31536000, immutable"
routes = CoreRoutes("brand", __name__, prefix="/brand")
logo_routes = CoreRoutes("brand_logo", __name__, prefix="/brand")


@routes.get("/<colour>.css", access="static")
def asset(colour: str) -> Response:
    """The tokens of both shells for a colour ("0d5f5a")."""
    if not branding.is_colour(f"#{colour}"):
        abort(404)
    response = Response(branding.palette(f"#{colour}").css(), mimetype="text/css")
    response.headers["Cache-Control"] = _FOREVER
    return response


@logo_routes.get("/<practice>/<uuid:file_id>.jpg", access="public", endpoint="asset")
def logo(practice: str, file_id: UUID) -> Response:
    """The logo that a practice shows now; any other file of its is not here."""
    try:
        found = tenancy.find_by_slug(practice)
    except tenancy.UnknownPractice:
        abort(404)
    db.enter_practice(found.id)
    if branding.logo.current_id(found) != file_id:
        abort(404)
    response = file_response(branding.logo.file_of(file_id), "thumb")
    response.headers["Cache-Control"] = _FOREVER
    return response


def stylesheet_url(practice: Practice) -> str | None:
    """Where the practice's tokens are; None when it has no colour of its own."""
    colour = str(practice.profile.get("colour") or "")
    return url_for("brand.asset", colour=colour[1:]) if branding.is_colour(colour) else None


def logo_url(practice: Practice) -> str | None:
    """Where its logo is; None when it has none."""
    found = branding.logo.current_id(practice)
    return url_for("brand_logo.asset", practice=practice.slug, file_id=found) if found else None
