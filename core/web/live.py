"""The page's ticket to the bus: handed out with the page, renewed while the page is open.

The topics are those that the page asked for while it was rendered (:func:`core.web.pages.live`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask import g, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, db, realtime, security, tenancy
from core.realtime import browser, tickets
from core.web.pages import live_topics
from core.web.routes import PatientRoutes, StaffRoutes

staff_routes = StaffRoutes("core", __name__, name="live", prefix="/live")
patient_routes = PatientRoutes("core", __name__, name="live_patient", prefix="/live")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a page's ticket: the arguments that issuing and renewing share."""

    actor_kind: str
    actor_id: str
    session_id: str
    grant: str


def holder() -> Holder:
    """The person of this request. A change of their rights, or of the practice's plugins, makes a new grant."""
    actor = audit.actor()
    link = g.get("link")
    if link is not None:
        return Holder(actor.kind, actor.id, f"link:{link.id}", "link")
    rights = [str(tenancy.current().plugins_version), *sorted(security.current_permissions())]
    grant = hashlib.sha256("\n".join(rights).encode()).hexdigest()[:16]
    return Holder(actor.kind, actor.id, security.session_id(), grant)


def attributes() -> Markup:
    """For <body>: ticket, sequence number, and where to renew; nothing for a page that listens to nothing.

    An error page listens to nothing either, whatever the page that failed had asked for.
    """
    topics = [] if g.get("refused") else live_topics()
    if not topics or not db.has_practice():
        return Markup("")
    who = holder()
    ticket = tickets.issue(
        topics,
        actor_kind=who.actor_kind,
        actor_id=who.actor_id,
        session_id=who.session_id,
        grant=who.grant,
    )
    link = g.get("link")
    return Markup(' data-ticket="{}" data-seq="{}" data-ticket-url="{}" data-socket-path="{}"').format(
        ticket,
        realtime.last_seq(),
        url_for("live.renew") if link is None else url_for("live_patient.renew_patient"),
        "/socket.io" if link is None else f"/v/{link.id}/socket.io",
    )


def _renewed() -> ResponseReturnValue:
    who = holder()
    return browser.renewed(
        actor_kind=who.actor_kind,
        actor_id=who.actor_id,
        session_id=who.session_id,
        grant=who.grant,
        may_hear=tenancy.switches.is_on,
    )


@staff_routes.post("/ticket", permission="core.work")
def renew() -> ResponseReturnValue:
    """A fresh ticket for the page's old one."""
    return _renewed()


@patient_routes.post("/ticket", purpose="*")
def renew_patient() -> ResponseReturnValue:
    """The same on a patient's page."""
    return _renewed()
