"""The bell: its drop-down as a panel that reloads itself, opening an item, marking all as read."""

from __future__ import annotations

from uuid import UUID

from flask import Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from core import audit
from core.notifications import inbox
from core.security import current_permissions
from core.web import coming_back, sent
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes
from core.web.shell import IN_BELL as SHOWN

routes = StaffRoutes("core", __name__, name="bell", prefix="/bell")
_MOST = 500
_PAGE = 30


@routes.get("", permission="core.work")
def panel() -> str:
    """The bell alone, for the page that heard of something new."""
    return render("staff/bell.html")


@routes.get("/seen", permission="core.work")
def seen() -> Response:
    """The bell was opened on a page: whom its items name has been seen, as in a list."""
    items = inbox.items(g.user.id, current_permissions(), limit=SHOWN)
    audit.lists(one.patient_id for one in items if one.patient_id is not None)
    return Response(status=204)


@routes.get("/all", permission="core.work")
def index() -> str:
    """Everything that is kept, or what is new of it; the list alone for a page that heard of a change."""
    show = "new" if request.args.get("show") == "new" else "all"
    found = inbox.items(g.user.id, current_permissions(), limit=_MOST)
    shown = [one for one in found if show == "all" or not one.read]
    pages = max(1, -(-len(shown) // _PAGE))
    page = sent.page(pages)
    items = shown[(page - 1) * _PAGE : page * _PAGE]
    audit.lists(one.patient_id for one in items if one.patient_id is not None)
    return render(
        "staff/inbox_list.html" if "X-Panel" in request.headers else "staff/inbox.html",
        items=items,
        unread=sum(not one.read for one in found),
        show=show,
        page=page,
        pages=pages,
        page_url=lambda n: url_for(
            "bell.index", show="new" if show == "new" else None, page=n if n > 1 else None
        ),
    )


@routes.get("/<uuid:item_id>", permission="core.work", scope="none")
def open_item(item_id: UUID) -> ResponseReturnValue:
    """Lead to what an item is about, and note that this person has read it."""
    with own_scope():
        permissions = current_permissions()
        seen = {entry.id: entry for entry in inbox.items(g.user.id, permissions, limit=_MOST)}
        if item_id not in seen:
            abort(404)
        inbox.mark_read(g.user.id, [item_id], permissions=permissions)
        if (patient_id := seen[item_id].patient_id) is not None:
            audit.lists([patient_id])
        return redirect(seen[item_id].url)


@routes.post("/read", permission="core.work")
def read_all() -> ResponseReturnValue:
    """Everything that this person can see has been read."""
    inbox.mark_read(g.user.id, permissions=current_permissions())
    answer: ResponseReturnValue = coming_back.answer()
    return answer
