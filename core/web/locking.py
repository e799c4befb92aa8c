"""What stands between a signed-in person and the pages: the idle lock, and the second factor that a practice asks for.

Called by the gate. A locked session is locked here, on the server: the overlay in the page only shows it.
"""

from __future__ import annotations

from typing import Any, Final

from flask import abort, flash, g, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from core import db, settings, tenancy
from core.errors import Refused
from core.i18n import _
from core.security import rules, second_step, sessions, sign_in
from core.tenancy import Practice
from core.web import csrf

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# A locked person can unlock, sign out, and nothing else.
_OPEN_WHEN_LOCKED: Final = frozenset({"lock.page", "lock.state", "lock.unlock", "lock.lock", "oidc.unlock"})
# Requests that a page sends by itself are no sign that anybody is there.
_BY_ITSELF: Final = ("live.", "bell.panel", "rail.panel", "lock.")  # the view of lock.active says so itself
# An account reaches beyond a practice: whom a practice's provider let in does not come near it.
_OF_THE_ACCOUNT: Final = ("your_account.", "oidc.link", "oidc.unlink")


def admit_person(*, outside_practices: bool = True) -> Any:
    """May this signed-in person go on? None, or the answer instead.

    outside_practices: no practice will be asked for its own rules.
    """
    if sessions.is_partial() and (request.endpoint or "").startswith(_OF_THE_ACCOUNT):
        abort(404)
    if request.endpoint in _OPEN_WHEN_LOCKED:
        return None
    if sessions.is_locked():
        return _locked()
    if outside_practices and sessions.is_idle(patience()):
        _lock()
        return _locked()
    if outside_practices and not _by_itself():
        sessions.touch()
    return None


def patience() -> int:
    """After how many minutes this browser locks itself: as the strictest asks of all that its session opens; 0: never.

    The same wherever the person is: else an hour in a practice that locks never would open one that locks soon.
    """
    if "patience" not in g:
        known = g.get("memberships")
        practices = tenancy.practices_of(current_user.id) if known is None else known
        asked = [rules.of(one).idle_minutes for one in practices if sessions.opens(one.id)]
        if sessions.is_operator():
            asked.append(settings.current().console_idle_minutes)
        g.patience = min((minutes for minutes in asked if minutes), default=0)
    found: int = g.patience
    return found


def _by_itself() -> bool:
    return (request.endpoint or "").startswith(_BY_ITSELF) or "X-Panel" in request.headers


def admit_to_practice(practice: Practice) -> Any:
    """The same where the practice is known, with its own rules."""
    if not sessions.opens(practice.id):
        abort(404)
    if sessions.is_idle(patience()):
        _lock()
        return _locked()
    if not _by_itself():
        sessions.touch()
    if rules.of(practice).second_factor == "required" and _by_password_alone():
        return _second_factor(
            _("Your practice asks for a second factor. Set one up under Your account."),
            _("Your practice asks for a second factor at sign-in. Please set one up to go on."),
        )
    return None


def admit_to_console() -> Any:
    """The same for the operator's console, with the platform's rules: it was looked at for how long nobody was here."""
    if settings.current().console_second_factor == "required" and _by_password_alone():
        return _second_factor(
            _("The operator’s console asks for a second factor. Set one up under Your account."),
            _("The operator’s console asks for a second factor at sign-in. Please set one up to go on."),
        )
    return None


def _by_password_alone() -> bool:
    """Did this session show nothing else? Signing in with a provider is the provider's to protect."""
    row = sessions.current()
    return row is None or row.method in sessions.NO_FACTOR


def _second_factor(to_script: str, to_person: str) -> Any:
    """To the page that sets one up, for whoever has none; whoever has one shows it before this session goes on."""
    held = rules.second_factors(current_user)
    row = sessions.current()
    if held and row is not None and row.method == "recovery":
        return None
    here = request.full_path.rstrip("?")
    if request.method not in _SAFE or "X-Panel" in request.headers:
        anew = _("A second factor is asked for here. Load the page again to show yours.")
        raise Refused(anew if held else to_script, "second_factor")
    if held:
        second_step.ask(sign_in.Recognised(current_user.id, held), here)
        return redirect(url_for("sign_in.second_step_page"))
    flash(to_person, "info")
    return redirect(url_for("your_account.second_factor", next=here))


def _lock() -> None:
    if db.is_write():
        _note_lock()
        db.session().commit()  # what is refused is undone; that it is locked stays
    else:
        with db.scope():
            _note_lock()


def _note_lock() -> None:
    sessions.set_here(locked_at=db.utcnow())
    sign_in.note(current_user, "session.locked")


def _locked() -> Any:
    by_script = csrf.is_by_script()
    if request.method in _SAFE and not by_script:
        return redirect(url_for("lock.page", next=request.full_path.rstrip("?")))
    if by_script or not request.form:
        raise Refused(_("Careroom is locked. Unlock it to go on."), "locked", status=423)
    kept = csrf.typed()
    return make_response(
        render_template("account/locked_form.html", kept=kept, action=request.full_path), 423
    )
