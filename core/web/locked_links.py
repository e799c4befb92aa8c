"""Links that wrong dates of birth have locked: whose they are, and the button that gives the tries back."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, links, patients
from core.i18n import _
from core.web import record, sent
from core.web.pages import NotFound, live, render
from core.web.routes import StaffRoutes

_PERMISSION: Final = "core.edit_patients"
PAGE: Final = 50

routes = StaffRoutes("core", __name__, name="locked_links", prefix="/locked-links")


@routes.get("", permission=_PERMISSION)
def index() -> Markup:
    """The page, or (for the page that heard of a change) the list alone."""
    live(links.LOCKS_TOPIC)
    pages = max(1, -(-links.count_locked() // PAGE))
    page = sent.page(pages)
    found = links.locked_links(PAGE, (page - 1) * PAGE)
    named = patients.get_many({link.patient_id for link in found})
    audit.lists(named)
    lines = [
        (link, record.identity(named[link.patient_id]), links.purposes.find(link.purpose))
        for link in found
        if link.patient_id in named
    ]
    template = "links/locked_list.html" if "X-Panel" in request.headers else "links/locked.html"
    return render(template, lines=lines, topic=links.LOCKS_TOPIC, page=page, pages=pages, page_url=_page_url)


def _page_url(number: int) -> str:
    return url_for("locked_links.index", page=number if number > 1 else None)


@routes.post("/<uuid:locked_id>/unlock", permission=_PERMISSION)
def unlock(locked_id: UUID) -> ResponseReturnValue:
    """Give all tries back: somebody has spoken with the patient."""
    try:
        link = links.unlock(locked_id)
    except links.LinkNotFound:
        raise NotFound from None
    audit.concerns(link.patient_id)
    flash(_("Unlocked. The patient can try again with the same link."), "success")
    return redirect(url_for("locked_links.index"), 303)
