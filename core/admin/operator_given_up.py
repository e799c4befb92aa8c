"""What was given up, in the operator's console: found, tried again, taken off the list; one by one or all that fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, cast
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import db
from core.admin import given_up
from core.admin.given_up import ORDERS, QUEUES, Done, Queue, Wanted
from core.errors import Refused
from core.i18n import _, ngettext
from core.web import listing
from core.web.listing import Asked
from core.web.pages import render
from core.web.routes import CoreRoutes

PAGE: Final = 50
routes = CoreRoutes("operator_given_up", __name__, prefix="/operator/given-up")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for."""

    asked: Asked
    queue: Queue | Literal[""]

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.asked.words, self.queue, self.asked.order)

    def url(self, endpoint: str = "operator_given_up.index", **changes: Any) -> str:
        """An address with the same choice; of the page that it is on, unless another is named."""
        page = self.asked.page if self.asked.page > 1 else None
        return url_for(
            endpoint,
            **{
                "q": self.asked.words or None,
                "kind": self.queue or None,
                "order": self.asked.address(ORDERS[0])["order"],
                "page": page,
                **changes,
            },
        )


@routes.get("", access="operator")
def index() -> Markup:
    """Those that fit, page by page."""
    chosen, shown_at = _chosen(), db.utcnow()
    total = given_up.count(chosen.wanted)
    asked, pages = chosen.asked.on_page(total, PAGE)
    chosen = Chosen(asked, chosen.queue)
    return render(
        "operator/given_up.html",
        items=given_up.page(chosen.wanted, limit=PAGE, offset=(asked.page - 1) * PAGE),
        chosen=chosen,
        asked=asked,
        total=total,
        pages=pages,
        page_url=lambda number: chosen.url(page=number if number > 1 else None),
        at_once=given_up.AT_ONCE,
        shown_at=shown_at,
    )


@routes.post("/retry", access="operator", scope="none")
def retry_all() -> ResponseReturnValue:
    """Try again whatever fits."""
    chosen = _chosen()
    done = given_up.retry_all(_seen(chosen))
    words = ngettext(
        "%(num)d message or job is in its queue again.",
        "%(num)d messages and jobs are in their queues again.",
        done.done,
    )
    cannot = ngettext(
        "%(num)d message cannot be sent again for now, and stays on the list.",
        "%(num)d messages cannot be sent again for now, and stay on the list.",
        done.left,
    )
    return _answer(chosen, done, words, cannot)


@routes.post("/dismiss", access="operator", scope="none")
def dismiss_all() -> ResponseReturnValue:
    """Take whatever fits off the list."""
    chosen = _chosen()
    done = given_up.dismiss_all(_seen(chosen))
    words = ngettext(
        "%(num)d message or job is off the list.", "%(num)d messages and jobs are off the list.", done.done
    )
    return _answer(chosen, done, words, "")


@routes.post("/<queue>/<uuid:practice_id>/<uuid:item_id>", access="operator", scope="none")
def retry(queue: str, practice_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """Try one again."""
    try:
        given_up.retry(_queue(queue), practice_id, item_id)
    except LookupError:
        abort(404)
    except Refused as refusal:
        flash(refusal.message, "warning")
    else:
        flash(_("It is in its queue again."), "success")
    return redirect(_chosen().url(), 303)


@routes.post("/<queue>/<uuid:practice_id>/<uuid:item_id>/dismiss", access="operator", scope="none")
def dismiss(queue: str, practice_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """Take one off the list."""
    try:
        given_up.dismiss(_queue(queue), practice_id, item_id)
    except LookupError:
        abort(404)
    flash(_("It is off the list."), "success")
    return redirect(_chosen().url(), 303)


def _answer(chosen: Chosen, done: Done, words: str, cannot: str) -> ResponseReturnValue:
    if done.done:
        flash(words, "success")
    if done.left and cannot:
        flash(cannot, "warning")
    if done.more:
        flash(
            ngettext(
                "%(num)d more is still there: press again.",
                "%(num)d more are still there: press again.",
                done.more,
            ),
            "warning",
        )
    return redirect(chosen.url(page=None), 303)


def _chosen() -> Chosen:
    queue = listing.one_of("kind", ("", *QUEUES), "")
    return Chosen(listing.asked(ORDERS, words_in_address=True), cast("Queue | Literal['']", queue))


def _seen(chosen: Chosen) -> Wanted:
    """What the list had when it was shown: what came since is nobody's answer yet."""
    try:
        shown_at = datetime.fromisoformat(request.form.get("shown_at", ""))
    except ValueError:
        abort(400)
    if shown_at.tzinfo is None:
        abort(400)
    return replace(chosen.wanted, until=shown_at)


def _queue(name: str) -> Queue:
    if name not in QUEUES:
        abort(404)
    return name
