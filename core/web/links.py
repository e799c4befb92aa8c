"""The patient's way in: the link of the message, the date of birth, then pages below ``/v/<link>``.

Fetching a link changes nothing, so the previews of messengers may do it. A right date of birth is answered with a
signed cookie for this link alone and a redirect: the token is in no later address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, redirect, request, session, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from core import audit, db, i18n, links, settings, tenancy
from core.audit import Actor
from core.i18n import _l
from core.links import Link, LinkClosed
from core.patients import Patient
from core.security import limits
from core.tenancy import Practice
from core.web import guessing, second_browser
from core.web.link_states import status_of, words
from core.web.pages import render
from core.web.routes import CoreRoutes, PatientRoutes

COOKIE_SECONDS = 12 * 60 * 60
_WAIT_SECONDS = 10 * 60
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DAY_OR_MONTH, _YEAR = re.compile(r"\d{1,2}"), re.compile(r"\d{4}")

routes = CoreRoutes("links", __name__)
patient_routes = PatientRoutes("core", __name__, name="link", prefix="")


@routes.get("/l/<token>", access="public", scope="none")
def show(token: str) -> Any:
    """The question for the date of birth, or why this link cannot be followed. Changes nothing."""
    if not limits.count(limits.LINK_PAGES_BY_ADDRESS, limits.origin(request.remote_addr)):
        return _wait()
    return _page(_find(token))


@routes.post("/l/<token>", access="public", scope="none")
def check(token: str) -> Any:
    """Look at the date of birth, where this link asks for one. A date that cannot be one uses up no try."""
    found = _find(token)
    if guessing.must_wait(found.practice_id if found is not None else None):
        return _wait()
    if found is None:
        guessing.note_failure()
        return _page(None)
    if "enter" in request.form and (inside := _enter(found)) is not None:
        return _sealed(_let_in(inside))
    values = {part: request.form.get(part, "").strip()[:20] for part in ("day", "month", "year")}
    # What is wrong is lazy text: the language to say it in is known only where the page is made.
    try:
        birth_date = _birth_date(values)
    except ValueError:
        again = _l(
            "Please check the date. Enter the day, the month and the year in numbers, for example 27 3 1985."
        )
        return _page(found, values, again)
    entered = _try(found, birth_date)
    if entered is not None:
        return _sealed(_let_in(entered))
    guessing.note_failure(found.practice_id)
    wrong = _l("This date of birth does not match. Please check it and try again.")
    return _page(found, values, wrong)


@patient_routes.get("/", purpose="*")
def start() -> Any:
    """To the page that this link is for."""
    return redirect(_start_url(g.link))


# --- for the gate --------------------------------------------------------------------------------------------------


def open_patient_request(link_id: UUID, cookies: Mapping[str, str]) -> tuple[Link, Practice]:
    """The link and practice of a request below ``/v/<link_id>``, in the request's scope, whose practice it sets.

    Who has completed the link may still read its pages (the confirmation), and change nothing. Raises LinkClosed.
    """
    claim = _read_cookie(link_id, cookies)
    practice = db.session().get(Practice, claim.practice_id)
    if practice is None:
        raise LinkClosed("unknown")
    if practice.status != "active":
        raise LinkClosed("suspended", practice, practice.language)
    db.enter_practice(practice.id)
    link = db.get(Link, link_id)
    if link is None:
        raise LinkClosed("unknown")
    state = links.state(link)
    may_read = state == "used" and request.method in _SAFE
    if state not in links.OPEN_STATES and not may_read:
        raise LinkClosed(state, practice, language_for(link, practice, cookies))
    if link.generation != claim.generation:
        raise LinkClosed("again", practice, language_for(link, practice, cookies))
    return link, practice


def holds_link(link_id: UUID, cookies: Mapping[str, str]) -> bool:
    """Do these cookies prove that the identity check was passed for this link? Asks no database: for sockets."""
    try:
        _read_cookie(link_id, cookies)
    except LinkClosed:
        return False
    return True


def language_for(link: Link, practice: Practice, cookies: Mapping[str, str]) -> str:
    """What was chosen on the page, else the patient's own language (unless a guest reads), else the practice's."""
    patient = None if links.purposes.asks_nothing(link.purpose) else db.get(Patient, link.patient_id)
    for wanted in (session.get("patient_language"), patient.language if patient else None):
        if wanted in i18n.offered_languages():
            return practice.language if practice.language.partition("-")[0] == wanted else str(wanted)
    return practice.language


def closed_page(error: LinkClosed) -> Response:
    """The page that says kindly why a link cannot be followed. It names a practice only when the error does."""
    g.practice = error.practice
    chosen = session.get("patient_language")
    if chosen in i18n.offered_languages():
        i18n.set_language(str(chosen))
    elif error.practice is not None:
        i18n.set_language(error.language or error.practice.language)
    title, text = words(error.state, error.practice)
    page = render(
        "patient/link/state.html",
        state=error.state,
        title=title,
        text=text,
        practice=error.practice,
        referrer_policy="no-referrer",
    )
    return make_response(page, status_of(error.state))


# --- the pages -----------------------------------------------------------------------------------------------------


def _find(token: str) -> links.FoundLink | None:
    return second_browser.find(token) or links.find(token)


def _page(
    found: links.FoundLink | None, values: dict[str, str] | None = None, error: str | None = None
) -> Response:
    """The question, with an error where there is one; or the state that keeps it from being asked."""
    try:
        if found is None:
            raise LinkClosed("unknown")
        with _inside(found, write=False) as (link, practice):
            g.practice = practice
            if (welcome := _welcome(link)) is not None:
                page = render(
                    "patient/link/welcome.html",
                    practice=practice,
                    action=request.path,
                    welcome=welcome,
                    referrer_policy="no-referrer",
                )
                return _sealed(make_response(page))
            page = render(
                "patient/link/birth_date.html",
                practice=practice,
                action=request.path,
                values=values or {},
                error=error,
                referrer_policy="no-referrer",
            )
            return _sealed(make_response(page, 422 if error else 200))
    except LinkClosed as closed:
        return _sealed(closed_page(closed))


@contextmanager
def _inside(found: links.FoundLink, *, write: bool) -> Iterator[tuple[Link, Practice]]:
    """A scope of the link's practice, as the patient, in their language. Raises LinkClosed unless the link is open."""
    with tenancy.practice_scope(found.practice_id, write=write):
        practice = tenancy.current()
        link = links.get(found.link_id)
        state = links.state(link)
        language = language_for(link, practice, request.cookies)
        if practice.status != "active":
            raise LinkClosed("suspended", _copy(practice), language)
        with i18n.use_language(language), audit.use_actor(Actor("patient", str(link.id), "patient")):
            if state not in links.OPEN_STATES:
                raise LinkClosed(state, _copy(practice), language)
            is_there = links.purposes.find(link.purpose) is not None
            if not is_there or not tenancy.switches.is_on(tenancy.switches.owner_of(link.purpose)):
                raise LinkClosed("off", _copy(practice), language)
            yield link, practice


def _copy(practice: Practice) -> Practice:
    """The practice, readable after its scope has been rolled back and closed."""
    db.session().expunge(practice)
    return practice


def _try(found: links.FoundLink, birth_date: date) -> Link | None:
    """The link when this is the patient's date of birth. Committed before anything is answered."""
    try:
        with _inside(found, write=True) as (link, _practice):
            return link if links.check_birth_date(link, birth_date) else None
    except LinkClosed:
        return None  # closed meanwhile, or before: the page that follows says so


def _welcome(link: Link) -> links.Welcome | None:
    """The page with one button, where the link is for somebody who is not asked for a date of birth."""
    purpose = links.purposes.find(link.purpose)
    return purpose.welcome(link) if purpose is not None and purpose.welcome is not None else None


def _enter(found: links.FoundLink) -> Link | None:
    """The link when its purpose asks no question; committed before anything is answered. None: the page says why."""
    try:
        with _inside(found, write=True) as (link, _practice):
            if not links.purposes.asks_nothing(link.purpose):
                return None
            links.enter(link)
            return link
    except LinkClosed:
        return None


def _birth_date(values: dict[str, str]) -> date:
    """Raises ValueError for what is no date, or none on which a living patient was born."""
    if not (
        _YEAR.fullmatch(values["year"])
        and all(_DAY_OR_MONTH.fullmatch(values[part]) for part in ("day", "month"))
    ):
        raise ValueError("not three numbers")
    found = date(int(values["year"]), int(values["month"]), int(values["day"]))
    if not date(1880, 1, 1) <= found <= db.utcnow().date():
        raise ValueError("nobody was born then")
    return found


def _wait() -> Response:
    """The page that asks for ten minutes, the same whatever is behind the link."""
    response = _sealed(closed_page(LinkClosed("busy")))
    response.headers["Retry-After"] = str(_WAIT_SECONDS)
    return response


def _sealed(response: Response) -> Response:
    """Answers at an address that holds a token leak it to nobody."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


# --- the cookie ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claim:
    practice_id: UUID
    generation: int


def _cookie_name(link_id: UUID) -> str:
    # The end of the key: its beginning is the time, the same for links that were made together.
    prefix = "__Secure-" if settings.current().is_https else ""
    return f"{prefix}careroom_link_{link_id.hex[-12:]}"


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.current().secret_key.get_secret_value(), salt="careroom.link")


def _let_in(link: Link) -> Response:
    response = make_response(redirect(_start_url(link), 303))
    response.set_cookie(
        _cookie_name(link.id),
        _serializer().dumps([link.practice_id.hex, link.id.hex, link.generation]),
        max_age=COOKIE_SECONDS,
        path=f"/v/{link.id}",
        secure=settings.current().is_https,
        httponly=True,
        samesite="Lax",
    )
    return response


def _start_url(link: Link) -> str:
    purpose = links.purposes.find(link.purpose)
    if purpose is None:
        raise LinkClosed("off")
    return url_for(purpose.endpoint, link_id=link.id)


def _read_cookie(link_id: UUID, cookies: Mapping[str, str]) -> _Claim:
    try:
        said = _serializer().loads(cookies.get(_cookie_name(link_id), ""), max_age=COOKIE_SECONDS)
        practice_id, signed_for, generation = UUID(hex=said[0]), UUID(hex=said[1]), int(said[2])
    except (BadData, ValueError, TypeError, IndexError, AttributeError) as error:
        raise LinkClosed("again") from error
    if signed_for != link_id:
        raise LinkClosed("again")
    return _Claim(practice_id, generation)
