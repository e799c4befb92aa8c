"""Your account: name, password, second factors, passkeys, and where one is signed in.

What changes the sign-in itself asks who one is when that was shown longer than a quarter of an hour ago.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import abort, flash, g, jsonify, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user

from core import audit, db, security, tenancy
from core.errors import Refused
from core.i18n import _, ngettext
from core.security import credentials, limits, passkeys, passwords, rules, sessions, sign_in, totp
from core.web import providers_offered
from core.web.pages import render
from core.web.routes import CoreRoutes
from core.web.sent import json_object

routes = CoreRoutes("your_account", __name__, prefix="/account")
_NEXT = "account_next"


def proven(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view runs when the person has lately shown who they are; else they are asked first."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if sessions.is_proven(g.get("practice_id")):
            return view(*args, **kwargs)
        if request.is_json or "X-CSRFToken" in request.headers:
            raise Refused(_("Please confirm first that it is you."), "not_proven", status=403)
        back = request.full_path.rstrip("?") if request.method == "GET" else url_for("your_account.show")
        return ask_for_proof(back)

    return guarded


def ask_for_proof(back: str) -> ResponseReturnValue:
    """To the page that asks who somebody is; from there they come back to ``back`` and press again.

    Whom a practice's provider let in is asked by it, by way of a page: a form may not lead to another site.
    """
    if sessions.is_partial():
        provider = providers_offered.of_session()
        if provider is None:
            words = _(
                "This takes a sign-in with your password or a passkey. Sign out, then sign in with one of them."
            )
            raise Refused(words, "not_proven", status=403)
        asking = url_for("oidc.unlock", next=back)
        return make_response(render("account/to_provider.html", url=asking, title=provider.title))
    flash(_("Please confirm first that it is you, then press it again."), "info")
    return redirect(url_for("your_account.confirm", next=back), 303)


@routes.get("", access="signed_in")
def show() -> Any:
    """The page."""
    return _show()


def _show(
    errors: dict[str, str] | None = None, values: dict[str, str] | None = None, *, status: int = 200
) -> Any:
    user_id = current_user.id
    page = render(
        "account/show.html",
        user=current_user,
        errors=errors or {},
        values=values or {"given_names": current_user.first_name, "family_name": current_user.last_name},
        codes_since=_codes_since(),
        codes_left=totp.recovery_codes_left(user_id),
        passkeys=passkeys.of_user(user_id),
        passkeys_possible=passkeys.are_possible(),
        sessions=sessions.of_user(user_id),
        practices=tenancy.practices_of(user_id),
        providers=providers_offered.of_user(user_id),
    )
    return make_response(page, status)


def _codes_since() -> Any:
    account = db.session().get(security.Account, current_user.id)
    return account.totp_since if account is not None else None


@routes.post("/name", access="signed_in")
def rename() -> Any:
    """Change one's name."""
    given, family = (" ".join(request.form.get(name, "").split()) for name in ("given_names", "family_name"))
    errors = {
        name: _("Enter your name, with at most 64 characters.")
        for name, value in (("given_names", given), ("family_name", family))
        if not value or len(value) > 64
    }
    if errors:
        return _show(errors, {"given_names": given, "family_name": family}, status=422)
    user = db.session().get_one(User, current_user.id)
    user.first_name, user.last_name = given, family
    audit.record_platform("account.renamed", subject=sign_in.subject_of(user.id))
    flash(_("Your name is changed."), "success")
    return redirect(url_for("your_account.show"), 303)


@routes.post("/password", access="signed_in", scope="none")
def change_password() -> Any:
    """Change the password; all other browsers are signed out."""
    user_id = current_user.id
    errors: dict[str, str] = {}
    new = request.form.get("new_password", "")
    if not sign_in.confirms(user_id, request.form.get("password", "")):
        errors["password"] = _("This is not your present password.")
    else:
        try:
            credentials.judge(user_id, new)
        except passwords.WeakPassword as weak:
            errors["new_password"] = weak.message
    if errors:
        with db.scope(write=False):
            return _show(errors, status=422)
    hashed = passwords.hash_of(new)
    with db.scope():
        credentials.put(user_id, hashed, by="person")
        sessions.set_here(proven_at=db.utcnow())
    flash(_("Your password is changed. Everywhere else you are signed out."), "success")
    return redirect(url_for("your_account.show"), 303)


# --- where one is signed in ----------------------------------------------------------------------------------------


@routes.post("/sessions/<uuid:session_id>/end", access="signed_in")
def end_session(session_id: UUID) -> Any:
    """Sign one other browser out."""
    if not sessions.end_one(current_user.id, session_id):
        abort(404)
    audit.record_platform("session.ended", subject=sign_in.subject_of(current_user.id))
    flash(_("That device is signed out."), "success")
    return redirect(url_for("your_account.show") + "#devices", 303)


@routes.post("/sessions/end", access="signed_in")
def end_other_sessions() -> Any:
    """Sign all other browsers out."""
    _tell_ended(sessions.end_all(current_user.id, but_this=True))
    return redirect(url_for("your_account.show") + "#devices", 303)


# --- codes ---------------------------------------------------------------------------------------------------------


@routes.get("/second-factor", access="signed_in")
def second_factor() -> Any:
    """The choice of a second factor, for whoever has to have one."""
    session[_NEXT] = security.safe_next(request.args.get("next"))
    return render("account/second_factor.html", passkeys_possible=passkeys.are_possible())


@routes.get("/codes", access="signed_in", scope="none")
@proven
def codes() -> Any:
    """The picture for the app, and the first code."""
    return _codes_page()


@routes.post("/codes", access="signed_in")
@proven
def codes_on() -> Any:
    """Switch codes on; the recovery codes are shown this once."""
    if not limits.count(limits.CODE_BY_ACCOUNT, str(current_user.id)):
        raise Refused(_("There were too many wrong codes. Please wait ten minutes."), "too_many", status=429)
    is_first = not rules.second_factors(current_user)
    made = totp.confirm(current_user.id, request.form.get("code", "")[:20])
    if made is None:
        wrong = _(
            "This code is not right. Check the clock of your phone, and enter the code that it shows now."
        )
        return _codes_page(wrong, status=422)
    _with_factor("totp", is_first=is_first)
    return render("account/recovery_codes.html", codes=made, onward=_onward())


@routes.post("/codes/off", access="signed_in")
@proven
def codes_off() -> Any:
    """Switch codes off."""
    if totp.remove(current_user.id):
        _without_factor()
        flash(_("Codes are switched off."), "success")
    return redirect(url_for("your_account.show"), 303)


def _with_factor(method: str, *, is_first: bool) -> None:
    """This session has shown the factor that was added; of the others, those that showed none end with the first."""
    sessions.set_here(method=method)
    ended = sessions.end_without_factor(current_user.id) if is_first else 0
    if ended:
        _tell_ended(ended)


def _tell_ended(ended: int) -> None:
    audit.record_platform(
        "session.ended", subject=sign_in.subject_of(current_user.id), detail={"sessions": ended}
    )
    flash(
        ngettext("%(num)d other device is signed out.", "%(num)d other devices are signed out.", ended),
        "success",
    )


def _without_factor() -> None:
    """When none is left, this session is one of a password: a practice that requires a factor asks for a new one."""
    if not rules.second_factors(current_user):
        sessions.set_here(method="password")


@routes.post("/recovery-codes", access="signed_in")
@proven
def recovery_codes() -> Any:
    """New recovery codes; the old ones work no longer."""
    if not totp.is_on(current_user.id):
        abort(404)
    return render(
        "account/recovery_codes.html", codes=totp.new_recovery_codes(current_user.id), onward=_onward()
    )


def _codes_page(error: str | None = None, *, status: int = 200) -> Any:
    if _in_writing(lambda: totp.is_on(current_user.id)):
        return redirect(url_for("your_account.show"))
    secret = _in_writing(lambda: totp.waiting_secret(current_user.id))
    page = render(
        "account/codes.html",
        picture=totp.picture(current_user, secret),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        error=error,
    )
    return make_response(page, status)


def _in_writing(act: Callable[[], Any]) -> Any:
    if db.in_scope():
        return act()
    with db.scope():
        return act()


def _onward() -> str:
    """Where somebody was going who had to set up a second factor first; else their account."""
    target = session.pop(_NEXT, None)
    return (
        security.safe_next(target, url_for("your_account.show")) if target else url_for("your_account.show")
    )


# --- passkeys ------------------------------------------------------------------------------------------------------


@routes.post("/passkeys/question", access="signed_in")
@proven
def passkey_question() -> Any:
    """What the browser needs to make a passkey."""
    return jsonify(passkeys.registration(current_user))


@routes.post("/passkeys", access="signed_in")
@proven
def passkey_add() -> Any:
    """Keep the passkey that the browser made."""
    sent = json_object()
    is_first = not rules.second_factors(current_user)
    try:
        passkeys.add(current_user.id, sent.get("credential"), str(sent.get("name") or ""))
    except passkeys.PasskeyRefused:
        raise Refused(
            _("This passkey could not be added. Please try again."), "passkey", status=422
        ) from None
    _with_factor("passkey", is_first=is_first)
    flash(_("The passkey is added. From now on you can sign in with it."), "success")
    return jsonify(location=_onward())


@routes.post("/passkeys/<uuid:passkey_id>/name", access="signed_in")
def passkey_rename(passkey_id: UUID) -> Any:
    """Call a passkey something else, to tell two of them apart."""
    name = request.form.get("name", "").strip()
    if name and not passkeys.rename(current_user.id, passkey_id, name):
        abort(404)
    if name:
        flash(_("The passkey has its new name."), "success")
    else:
        flash(_("Enter a name for the passkey."), "warning")
    return redirect(url_for("your_account.show") + "#passkeys", 303)


@routes.post("/passkeys/<uuid:passkey_id>/remove", access="signed_in")
@proven
def passkey_remove(passkey_id: UUID) -> Any:
    """Take a passkey away."""
    if not passkeys.remove(current_user.id, passkey_id):
        abort(404)
    _without_factor()
    flash(_("The passkey is removed. Delete it on your device too."), "success")
    return redirect(url_for("your_account.show"), 303)


# --- showing who one is --------------------------------------------------------------------------------------------


@routes.get("/confirm", access="signed_in")
def confirm() -> Any:
    """Ask for the password or a passkey."""
    return _confirm_page(security.safe_next(request.args.get("next"), url_for("your_account.show")))


@routes.post("/confirm", access="signed_in", scope="none")
def confirm_check() -> Any:
    """Look at it, and go on."""
    target = security.safe_next(request.form.get("next"), url_for("your_account.show"))
    address = limits.origin(request.remote_addr)
    if limits.is_exhausted(limits.SIGN_IN_BY_ADDRESS, address) or not sign_in.confirms(
        current_user.id, request.form.get("password", "")
    ):
        limits.count(limits.SIGN_IN_BY_ADDRESS, address)
        wrong = _("That is not right. After several wrong attempts an account is paused for 15 minutes.")
        return _confirm_page(target, wrong, status=422)
    with db.scope():
        sessions.set_here(proven_at=db.utcnow())
    return redirect(target, 303)


@routes.post("/confirm/passkey", access="signed_in", scope="none")
def confirm_by_passkey() -> Any:
    """The same with a passkey."""
    sent = json_object()
    try:
        with db.scope():
            right = passkeys.answer(sent.get("credential")) == current_user.id
            if right:
                sessions.set_here(proven_at=db.utcnow())
    except passkeys.PasskeyRefused:
        right = False
    if not right:
        raise Refused(_("This passkey is not yours, or could not be read."), "passkey", status=422)
    return jsonify(location=security.safe_next(str(sent.get("next") or ""), url_for("your_account.show")))


def _confirm_page(target: str, error: str | None = None, *, status: int = 200) -> Any:
    page = render(
        "account/confirm.html", target=target, error=error, passkeys_possible=passkeys.are_possible()
    )
    return make_response(page, status)
