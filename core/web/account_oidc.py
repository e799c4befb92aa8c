"""Signing in with a practice's own provider, and linking an account to it."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request, session, url_for
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user
from sqlalchemy import func, select

from core import audit, db, security, settings, tenancy
from core.audit import Actor
from core.i18n import _
from core.security import invitations, limits, oidc, passwords, sessions, sign_in
from core.security.invitations import Opened
from core.security.models import Invitation
from core.security.oidc import Claims
from core.security.oidc_network import OidcRefused
from core.security.users import UserRefused
from core.web.account_page import proven
from core.web.pages import render
from core.web.routes import CoreRoutes

routes = CoreRoutes("oidc", __name__)
_KEY = "oidc"


@routes.get("/login/provider/<slug>", access="public", scope="none")
def begin(slug: str) -> Any:
    """Send the browser to the practice's provider. A link and no form: our policy sends forms nowhere else."""
    return _send(slug, security.safe_next(request.args.get("next"), f"/p/{slug}/"), None)


@routes.post("/account/identity/<slug>/link", access="signed_in", scope="none")
@proven
def link(slug: str) -> Any:
    """The same, to link the account of whoever is signed in: a form, so that no other site can begin it.

    Our policy lets no form end at the provider, not by a redirect either: the page that answers goes on by itself.
    """
    practice_id = _practice_id(slug)
    provider = _provider(practice_id)
    url = _begin(practice_id, provider, url_for("your_account.show"), current_user.id)
    return render("account/to_provider.html", url=url, title=provider.title)


@routes.get("/session/unlock/provider", access="signed_in", scope="none")
def unlock() -> Any:
    """Unlock a browser that the practice's provider let in: it asks again who somebody is."""
    row = sessions.current()
    if row is None or row.only_practice is None:
        abort(404)
    target = security.safe_next(request.args.get("next"))
    provider = _provider(row.only_practice)
    return redirect(_begin(row.only_practice, provider, target, current_user.id, anew=True))


@routes.post("/account/identity/<slug>/unlink", access="signed_in", scope="none")
@proven
def unlink(slug: str) -> Any:
    """Forget the link."""
    with db.scope(_practice_id(slug)):
        gone = oidc.unlink(current_user.id)
    if gone:
        flash(_("Your account is no longer linked."), "success")
    return redirect(url_for("your_account.show"), 303)


@routes.get("/login/provider", access="public", scope="none")
def back() -> Any:
    """Where the provider sends the browser back to."""
    if limits.is_exhausted(limits.SIGN_IN_BY_ADDRESS, limits.origin(request.remote_addr)):
        words = _("There were too many attempts from your network. Please wait ten minutes and try again.")
        raise OidcRefused(words, "too_many", status=429)
    held = session.pop(_KEY, None)
    kept: dict[str, Any] | None = held if isinstance(held, dict) else None
    if kept is None:
        raise OidcRefused(_("That sign-in was not begun here. Please begin again."), "state", status=400)
    practice_id = UUID(kept["practice"])
    try:
        claims = oidc.finish(_provider(practice_id), _redirect_uri(), kept, request.args.to_dict())
    except OidcRefused:
        limits.count(limits.SIGN_IN_BY_ADDRESS, limits.origin(request.remote_addr))
        raise
    if kept["anew"]:
        return _unlock(practice_id, int(kept["user"]), claims, kept["next"])
    if kept["user"] is not None:
        return _link(practice_id, int(kept["user"]), claims)
    user_id = _who(practice_id, claims)
    with db.scope():
        if not sign_in.may_try(user_id) or not sign_in.succeeded(user_id, "oidc"):
            raise OidcRefused(
                _("Your account is paused. Please wait a quarter of an hour."), "paused", status=403
            )
    sessions.begin(user_id, "oidc", only_practice=practice_id)
    return redirect(security.safe_next(kept["next"]), 303)


def _send(slug: str, target: str, user_id: int | None) -> Any:
    practice_id = _practice_id(slug)
    return redirect(_begin(practice_id, _provider(practice_id), target, user_id))


def _begin(
    practice_id: UUID, provider: oidc.Provider, target: str, user_id: int | None, *, anew: bool = False
) -> str:
    """Keeps what is needed on the way back; the provider's address."""
    if not limits.count(limits.PROVIDER_BY_ADDRESS, limits.origin(request.remote_addr)):
        words = _("There were too many attempts from your network. Please wait ten minutes and try again.")
        raise OidcRefused(words, "too_many", status=429)
    url, kept = oidc.begin(provider, _redirect_uri(), anew=anew)
    session[_KEY] = {**kept, "practice": str(practice_id), "next": target, "user": user_id}
    return url


def _practice_id(slug: str) -> UUID:
    with db.scope(write=False):
        try:
            return tenancy.find_by_slug(slug).id
        except tenancy.UnknownPractice:
            abort(404)


def _provider(practice_id: UUID) -> oidc.Provider:
    with db.scope(practice_id, write=False):
        provider = oidc.opened()
    if provider is None:
        abort(404)
    return provider


def _redirect_uri() -> str:
    return settings.current().base_url + url_for("oidc.back")


def _link(practice_id: UUID, user_id: int, claims: Claims) -> Any:
    if not current_user.is_authenticated or current_user.id != user_id or sessions.is_partial():
        raise OidcRefused(_("That sign-in was not begun here. Please begin again."), "user", status=400)
    with tenancy.practice_scope(practice_id):
        if practice_id not in [practice.id for practice in tenancy.practices_of(user_id)]:
            abort(404)
        oidc.link(user_id, claims)
    flash(_("Your account is linked. From now on you can sign in that way."), "success")
    return redirect(url_for("your_account.show"), 303)


def _unlock(practice_id: UUID, user_id: int, claims: Claims, target: str) -> Any:
    row = sessions.current()
    if row is None or row.only_practice != practice_id or current_user.id != user_id:
        raise OidcRefused(_("That sign-in was not begun here. Please begin again."), "user", status=400)
    with tenancy.practice_scope(practice_id):
        is_it_you = oidc.user_of(claims) == user_id
    with db.scope():
        if not is_it_you:
            words = _("That is not the account that is signed in here. Nothing was unlocked.")
            raise OidcRefused(words, "somebody_else", status=403)
        if not sign_in.may_try(user_id):
            raise OidcRefused(
                _("Your account is paused. Please wait a quarter of an hour."), "paused", status=403
            )
        with audit.use_actor(Actor("staff", str(user_id), current_user.get_full_name())):
            sessions.unlock()
    return redirect(target, 303)


def _who(practice_id: UUID, claims: Claims) -> int:
    """The user whom the claims are about, or a new one whom the practice invited. Raises OidcRefused.

    An account that exists already is not the provider's to open, whatever address it says it has verified: its owner
    signs in to it and links it.
    """
    # Nobody knows it: who signs in with the provider has no password until they ask for one.
    hashed = passwords.hash_of(secrets.token_urlsafe(32))
    try:
        return _known_or_new(practice_id, claims, hashed)
    except UserRefused:  # somebody's user name is that address, or came first
        raise _has_account() from None


def _known_or_new(practice_id: UUID, claims: Claims, hashed: str) -> int:
    with tenancy.practice_scope(practice_id) as opened:
        if (known := oidc.user_of(claims)) is not None:
            return known
        invitation = oidc.invited(claims)
        if invitation is None:
            words = _(
                "No account here is linked to that sign-in. Ask your practice to invite you, or sign in with your "
                "password and link it under Your account."
            )
            raise OidcRefused(words, "unknown", status=403)
        user_id = opened.scalar(select(User.id).where(func.lower(User.email) == invitation.email).limit(1))
        if user_id is not None:
            raise _has_account()
        guest = _guest(invitation)
        user_id = invitations.new_user(guest, guest.given_names, guest.family_name, hashed)
        invitations.accept(guest, user_id)
        oidc.link(user_id, claims)
        return user_id


def _has_account() -> OidcRefused:
    words = _("You have an account: sign in with your password, then accept the invitation and link it.")
    return OidcRefused(words, "has_account", status=403)


def _guest(invitation: Invitation) -> Opened:
    practice = tenancy.current()
    return Opened(
        practice.id,
        invitation.id,
        practice.name,
        practice.slug,
        invitation.email,
        invitation.given_names,
        invitation.family_name,
        invitation.role,
        invitation.invited_by_name,
        None,
    )
