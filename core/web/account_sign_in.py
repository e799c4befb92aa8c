"""Around the sign-in: the second step, passkeys, forgotten passwords, invitations. For people who are not in yet."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, jsonify, make_response, redirect, request, url_for
from flask_login import current_user

from core import db, i18n, security, tenancy
from core.errors import Refused
from core.i18n import _
from core.security import (
    invitations,
    limits,
    passkeys,
    passwords,
    resets,
    second_step,
    sessions,
    sign_in,
    totp,
)
from core.security.invitations import InvitationOver, Opened
from core.security.users import UserRefused
from core.web.pages import render
from core.web.routes import CoreRoutes
from core.web.sent import json_object

routes = CoreRoutes("sign_in", __name__)


def _address() -> str:
    return limits.origin(request.remote_addr)


def _too_many() -> str | None:
    """What to say to an address that failed too often; None when it may try."""
    if not limits.is_exhausted(limits.SIGN_IN_BY_ADDRESS, _address()):
        return None
    return _("There were too many attempts from your network. Please wait ten minutes and try again.")


# --- the second step -----------------------------------------------------------------------------------------------


@routes.get("/login/second-step", access="public", scope="none")
def second_step_page() -> Any:
    """Ask for a code or a passkey, after the password."""
    waiting = second_step.waiting()
    if waiting is None:
        return redirect(url_for("AuthDBView.login"))
    return _second_step_page(waiting)


@routes.post("/login/second-step", access="public", scope="none")
def second_step_check() -> Any:
    """Look at a code of the app, or at a recovery code."""
    waiting = second_step.waiting()
    if waiting is None:
        flash(_("That took too long. Please sign in again."), "warning")
        return redirect(url_for("AuthDBView.login"), 303)
    if (wait := _too_many()) is not None:
        return _second_step_page(waiting, wait, status=429)
    code = request.form.get("code", "")[:40]
    is_recovery = len("".join(letter for letter in code if letter.isalnum())) > 8
    step: sign_in.Step = "recovery" if is_recovery else "totp"
    right = False
    if sign_in.may_try(waiting.user_id):
        with db.scope():
            check = totp.use_recovery_code if is_recovery else totp.verify
            right = totp.is_on(waiting.user_id) and check(waiting.user_id, code)
            right = right and sign_in.succeeded(waiting.user_id, step)
    if not right:
        limits.count(limits.SIGN_IN_BY_ADDRESS, _address())
        with db.scope():
            sign_in.failed(waiting.user_id, step)
        wrong = _("This code is not right. Codes change every 30 seconds, and each one works once.")
        return _second_step_page(waiting, wrong, status=422)
    sessions.begin(waiting.user_id, step)
    if is_recovery:
        with db.scope(write=False):
            left = totp.recovery_codes_left(waiting.user_id)
        words = i18n.ngettext(
            "That recovery code is used up now. You have %(num)d left.",
            "That recovery code is used up now. You have %(num)d left.",
            left,
        )
        flash(words, "warning")
    return redirect(waiting.target, 303)


def _second_step_page(waiting: second_step.Waiting, error: str | None = None, *, status: int = 200) -> Any:
    page = render(
        "sign_in/second_step.html",
        by_code="totp" in waiting.needs,
        by_passkey="passkey" in waiting.needs and passkeys.are_possible(),
        error=error,
        target=waiting.target,
        signed_in=current_user.is_authenticated,
    )
    return make_response(page, status)


# --- passkeys ------------------------------------------------------------------------------------------------------


@routes.post("/login/passkey/question", access="public", scope="none")
def passkey_question() -> Any:
    """What a browser needs to show a passkey."""
    return jsonify(passkeys.question())


@routes.post("/login/passkey", access="public", scope="none")
def passkey_answer() -> Any:
    """Sign in whoever's passkey this is. It is a whole sign-in, also as the second step."""
    if (wait := _too_many()) is not None:
        raise Refused(wait, "too_many", status=429)
    sent = json_object()
    waiting = second_step.waiting()
    refused = Refused(_("This passkey is not known here. Sign in with your password."), "passkey", status=422)
    user_id = None
    try:
        with db.scope():
            user_id = passkeys.answer(sent.get("credential"))
    except passkeys.PasskeyRefused:
        pass
    if user_id is not None and waiting is not None and waiting.user_id != user_id:
        user_id = None
    let_in = False
    if user_id is not None and sign_in.may_try(user_id):
        with db.scope():
            let_in = sign_in.succeeded(user_id, "passkey")
    if user_id is None or not let_in:
        limits.count(limits.SIGN_IN_BY_ADDRESS, _address())
        raise refused
    target = waiting.target if waiting is not None else security.safe_next(str(sent.get("next") or ""))
    sessions.begin(user_id, "passkey")
    return jsonify(location=target)


# --- forgotten passwords -------------------------------------------------------------------------------------------


@routes.get("/forgotten-password", access="public", scope="none")
def forgotten() -> Any:
    """Ask for the address."""
    return render("sign_in/forgotten.html", asked=False, error=None, value="")


@routes.post("/forgotten-password", access="public", scope="none")
def forgotten_ask() -> Any:
    """Send a link if there is such an account. The answer is the same either way."""
    name = request.form.get("name", "").strip()[:320]
    if not name:
        error = _("Enter your e-mail address or user name.")
        return make_response(render("sign_in/forgotten.html", asked=False, error=error, value=""), 422)
    if not limits.count(limits.RESET_BY_ADDRESS, _address()):
        error = _("There were too many attempts from your network. Please wait ten minutes and try again.")
        return make_response(render("sign_in/forgotten.html", asked=False, error=error, value=name), 429)
    resets.ask(name)
    return render("sign_in/forgotten.html", asked=True, error=None, value=name)


@routes.get("/new-password/<token>", access="public", scope="none")
def new_password(token: str) -> Any:
    """The form, or that the link is over. Changes nothing: mail programs fetch links."""
    if not limits.count(limits.LINK_PAGES_BY_ADDRESS, _address()):
        abort(429)
    if resets.owner_of(token) is None:
        return make_response(render("sign_in/new_password.html", over=True, error=None), 410)
    return render("sign_in/new_password.html", over=False, error=None, token=token)


@routes.post("/new-password/<token>", access="public", scope="none")
def new_password_set(token: str) -> Any:
    """Set it, and lead to the sign-in: a second factor is asked for there."""
    try:
        resets.use(token, request.form.get("new_password", ""))
    except resets.LinkIsOver:
        return make_response(render("sign_in/new_password.html", over=True, error=None), 410)
    except passwords.WeakPassword as weak:
        page = render("sign_in/new_password.html", over=False, error=weak.message, token=token)
        return make_response(page, 422)
    flash(_("Your new password is set. Sign in with it."), "success")
    return redirect(url_for("AuthDBView.login"), 303)


# --- invitations ---------------------------------------------------------------------------------------------------


@routes.get("/join/<token>", access="public", scope="none")
def join(token: str) -> Any:
    """What the invitation says, and what to do about it. Changes nothing."""
    if not limits.count(limits.LINK_PAGES_BY_ADDRESS, _address()):
        abort(429)
    try:
        opened = invitations.open_link(token)
    except InvitationOver as over:
        return _join_over(over.state)
    return _join_page(token, opened)


@routes.post("/join/<token>", access="public", scope="none")
def join_accept(token: str) -> Any:
    """Take the invitation: with a new account, or with the one whose address was invited."""
    try:
        opened = invitations.open_link(token)
        if opened.user_id is None:
            return _join_anew(token, opened)
        if not current_user.is_authenticated or current_user.id != opened.user_id or sessions.is_partial():
            return _join_page(token, opened, status=409)
        with tenancy.practice_scope(opened.practice_id):
            invitations.accept(opened, opened.user_id)
    except InvitationOver as over:
        return _join_over(over.state)
    return redirect(f"/p/{opened.slug}/", 303)


def _join_anew(token: str, opened: Opened) -> Any:
    given, family = (" ".join(request.form.get(name, "").split()) for name in ("given_names", "family_name"))
    password = request.form.get("new_password", "")
    errors: dict[str, str] = {}
    for name, value in (("given_names", given), ("family_name", family)):
        if not value or len(value) > 64:
            errors[name] = _("Enter your name, with at most 64 characters.")
    try:
        passwords.check(password, about=(opened.email, given, family, opened.practice))
    except passwords.WeakPassword as weak:
        errors["new_password"] = weak.message
    if errors:
        return _join_page(token, opened, errors, {"given_names": given, "family_name": family}, status=422)
    hashed = passwords.hash_of(password)
    try:
        with tenancy.practice_scope(opened.practice_id):
            user_id = invitations.new_user(opened, given, family, hashed)
            invitations.accept(opened, user_id)
    except UserRefused:  # somebody's user name is that address, or they were quicker in another window
        raise Refused(
            _("Somebody signs in with this address already. Ask your practice to invite you at another one."),
            "taken",
            status=409,
        ) from None
    sessions.begin(user_id)
    flash(_("Welcome. Your account is ready; you sign in with your e-mail address."), "success")
    return redirect(f"/p/{opened.slug}/", 303)


def _join_page(
    token: str,
    opened: Opened,
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    *,
    status: int = 200,
) -> Any:
    # Whom another practice's provider let in has to show here who they are.
    here = current_user if current_user.is_authenticated and not sessions.is_partial() else None
    page = render(
        "sign_in/join.html",
        token=token,
        opened=opened,
        errors=errors or {},
        values=values or {"given_names": opened.given_names, "family_name": opened.family_name},
        signed_in=here,
        is_guest=here is not None and here.id == opened.user_id,
        here=url_for("sign_in.join", token=token),
    )
    return make_response(page, status)


def _join_over(state: str) -> Any:
    return make_response(render("sign_in/join_over.html", state=state), 410)
