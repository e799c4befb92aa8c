"""The one gate: every request passes it, and nothing else decides who may come in.

Order: what does the endpoint ask for -> open the database scope -> who is this, for which practice -> is the
plugin on -> may they. A stranger to a practice, a plugin that is off and an unknown id all look the same: 404.
After the view: commit, then write what the audit trail noted while only reading, then let the answer go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Flask, Response, abort, current_app, g, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException, NotFound, Unauthorized

from core import audit, db, i18n, security, settings, tenancy
from core.audit import Actor
from core.links import Link, LinkClosed
from core.notifications import inbox
from core.security import sessions
from core.security.permissions import current_permissions
from core.tenancy import platform
from core.web import emergency, locking
from core.web import links as link_pages
from core.web.pages import render
from core.web.routes import Access, table

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
OPERATE = "core.operate"
_BELOW_PRACTICE = re.compile(r"/p/([a-z0-9-]{1,40})/")
_AT_WORK = Access("staff", permission="core.work")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def install(app: Flask) -> None:
    """Put the gate in front of every route of this app. Call before anything else registers a before_request."""
    app.url_value_preprocessor(_take_values)
    app.url_defaults(_give_values)
    app.before_request(_open)
    app.after_request(_settle)
    app.teardown_request(_close)


def access() -> Access | None:
    """What the current request's endpoint asks for."""
    return table(current_app).get(request.endpoint or "")


@contextmanager
def own_scope(*, write: bool = True) -> Iterator[Session]:
    """In a view whose route says ``scope="none"``: a scope of the practice that the gate let it in for."""
    with db.scope(g.practice_id, write=write) as opened:
        yield opened


def current_link() -> Link:
    """The link that the patient of this request holds. Raises LookupError on a staff page."""
    found = g.get("link")
    if not isinstance(found, Link):
        raise LookupError("no patient's link is open here")
    return found


def is_at_work() -> bool:
    """For error pages: was somebody let in to a practice that they work in, or to the console? In an open scope.

    For an address that is nobody's the gate was never asked: then it is asked now, for the practice in the address.
    """
    asked = access()
    if asked is None and (found := _BELOW_PRACTICE.match(request.path)):
        g.practice_slug = found[1]
        try:
            return _admit_staff(_AT_WORK) is None
        except HTTPException:
            return False
    if asked is None or g.get("user") is None:
        return False
    if asked.kind == "operator":
        return OPERATE in g.get("permissions", frozenset())
    if asked.kind != "staff" or g.get("practice") is None:
        return False
    if "permissions" not in g:  # the plugin is off
        g.permissions = current_permissions()
    return _AT_WORK.permission in g.permissions


def _take_values(endpoint: str | None, values: dict[str, Any] | None) -> None:
    # Views do not receive the practice or the link: both are known by other means when they run.
    values = {} if values is None else values
    g.practice_slug = values.pop("practice_slug", None)
    g.link_id = values.pop("link_id", None)


def _give_values(endpoint: str, values: dict[str, Any]) -> None:
    for name in ("practice_slug", "link_id"):
        known = g.get(name)
        if name not in values and known and current_app.url_map.is_endpoint_expecting(endpoint, name):
            values[name] = known


def _open() -> Any:
    asked = access()
    audit.clear_context()
    g.request_id = _request_id()
    audit.set_origin(request_id=g.request_id, address=request.remote_addr)
    # No database looks NUL up, and no address of ours has it. Links say by themselves that they do not work.
    if "\0" in request.path and not request.path.startswith(("/l/", "/join/", "/new-password/")):
        abort(404)
    if request.endpoint is None or asked is None or asked.kind == "static":
        return None
    if request.method not in SAFE_METHODS and asked.scope == "auto":
        # A slow sender must not hold a transaction open: the body is here before the scope is.
        request.get_data(cache=True, parse_form_data=True)
    write = request.method not in SAFE_METHODS and asked.scope == "auto"
    g.scope = db.open_scope(write=write)
    i18n.set_language(_visitor_language())
    answer = _ADMIT[asked.kind](asked)
    if asked.scope == "none" and g.get("scope") is not None:
        db.session().commit()
        g.pop("scope").close()
    return answer


def _admit_public(asked: Access) -> Any:
    audit.set_actor(audit.ANONYMOUS)
    return None


def _admit_signed_in(asked: Access) -> Any:
    if not current_user.is_authenticated:
        return _to_sign_in()
    g.user = current_user
    audit.set_actor(Actor("staff", str(current_user.id), current_user.get_full_name()))
    i18n.set_language(security.language_of(current_user) or _visitor_language())
    return locking.admit_person(outside_practices=asked.kind != "staff")


def _admit_staff(asked: Access) -> Any:
    if (answer := _admit_signed_in(asked)) is not None:
        return answer
    chosen = session.get("language") or security.language_of(current_user)
    # All of them at once: the page offers the others too.
    g.memberships = tenancy.memberships_of(current_user.id)
    practice = next((one for one in g.memberships if one.slug == g.practice_slug), None)
    if practice is None:
        return _suspended()
    tenancy.enter(practice)
    if chosen:
        i18n.set_language(_with_region(chosen, practice.language))
    g.practice, g.practice_id = practice, practice.id
    if (answer := locking.admit_to_practice(practice)) is not None:
        return answer
    if not tenancy.switches.is_on(asked.owner):
        abort(404)
    g.permissions = current_permissions()
    if (answer := emergency.admit(asked)) is not None:
        return answer
    if asked.permission not in g.permissions:
        g.lacking = asked.permission
        abort(403)
    if isinstance(patient_id := (request.view_args or {}).get("patient_id"), UUID):
        audit.concerns(patient_id)
    return None


def _admit_operator(asked: Access) -> Any:
    if (answer := _admit_signed_in(asked)) is not None:
        return answer
    row = sessions.current()
    if row is None or row.only_practice is not None:
        abort(404)  # who a practice's provider says somebody is counts in that practice alone
    g.permissions = current_permissions()
    if OPERATE not in g.permissions:
        abort(404)  # nobody else needs to know that there is a console
    return locking.admit_to_console()


def _suspended() -> Any:
    """To somebody who works there: the practice is paused. To everybody else it looks like any address of nobody's."""
    if platform.suspended_of(current_user.id, g.practice_slug) is None:
        abort(404)
    return render("errors/suspended.html", status=403), 403


def _admit_patient(asked: Access) -> Any:
    link, practice = link_pages.open_patient_request(UUID(str(g.link_id)), request.cookies)
    tenancy.enter(practice)
    g.link, g.practice, g.practice_id = link, practice, practice.id
    audit.set_actor(Actor("patient", str(link.id), "patient"))
    audit.concerns(link.patient_id)
    i18n.set_language(link_pages.language_for(link, practice, request.cookies))
    if not tenancy.switches.is_on(asked.owner):
        raise LinkClosed("off", practice, i18n.locale_tag())
    if asked.purpose not in ("*", link.purpose):
        abort(404)
    return None


def _admit_asset(asked: Access) -> Any:
    practice = _practice_or_404()
    tenancy.enter(practice)
    g.practice, g.practice_id = practice, practice.id
    owner = (request.view_args or {}).get("owner", "")
    if owner == tenancy.switches.CORE or not tenancy.switches.is_on(owner):
        abort(404)
    return None


_ADMIT = {
    "public": _admit_public,
    "signed_in": _admit_signed_in,
    "operator": _admit_operator,
    "staff": _admit_staff,
    "patient": _admit_patient,
    "asset": _admit_asset,
}


def _practice_or_404() -> tenancy.Practice:
    try:
        return tenancy.find_by_slug(g.practice_slug)
    except tenancy.UnknownPractice:
        raise NotFound from None


def _visitor_language() -> str:
    chosen = session.get("language")
    return chosen or i18n.best_language(request.headers.get("Accept-Language", ""), i18n.offered_languages())


def _with_region(language: str, locale: str) -> str:
    """The reader's language with the practice's formats where both agree: "en" in an en-GB practice is en-GB."""
    return locale if locale.partition("-")[0] == language else language


def _to_sign_in() -> Any:
    if request.method in SAFE_METHODS and "X-Panel" not in request.headers:
        return redirect(url_for("AuthDBView.login", next=request.full_path.rstrip("?")))
    raise Unauthorized


def _request_id() -> str:
    """The proxy's id of this request, where there is one and it looks like an id; else one of our own."""
    given = request.headers.get("X-Request-ID", "")
    if settings.current().trusted_proxies and _REQUEST_ID.fullmatch(given):
        return given
    return db.uuid7().hex


def _settle(response: Response) -> Response:
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    scope = g.get("scope")
    # A form that is shown again with what is wrong (422) shows the patient, too.
    shows = response.status_code < 500 and not g.get("refused")
    if scope is None:
        if shows and (audit.unnamed() or audit.unlisted()):
            with own_scope():
                _leave_a_trace()
        return response
    if shows and (instead := emergency.refuse_shown()) is not None:
        db.rollback()
        instead.headers["X-Request-ID"] = response.headers.get("X-Request-ID", "")
        return current_app.make_response(instead)
    if shows:
        _leave_a_trace()
        # What was only read is noted in a short transaction of its own, before the answer leaves: no trail, no
        # answer. Before the commit, so that this request gives its own connection back first.
        audit.flush_pending()
        db.session().commit()
        if response.status_code == 200 and (read := g.get("read_here")):
            with tenancy.practice_scope(g.practice_id):
                inbox.mark_read(g.user.id, read, permissions=g.permissions)
    else:
        db.rollback()
    return response


def _leave_a_trace() -> None:
    """An entry for each patient whom this request concerned and of whom the views noted nothing; one for its lists."""
    action = "link.used" if "link" in g else "patient.viewed"
    for patient_id in sorted(audit.unnamed()):
        audit.record(action, patient_id=patient_id, detail={"part": request.endpoint or ""})
    for shown in audit.unlisted():
        audit.record("patients.listed", detail={"part": request.endpoint or ""}, shown=shown)


def _close(error: BaseException | None) -> None:
    scope = g.pop("scope", None)
    if scope is not None:
        scope.close()
    audit.clear_context()
