"""The sign-in and sign-out pages, in place of Flask-AppBuilder's."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from flask import make_response, redirect, render_template, request
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthDBView as FabAuthDBView
from flask_login import current_user

from core import db, settings, tenancy
from core.i18n import _
from core.security import limits, oidc, passkeys, second_step, sessions, sign_in
from core.security.redirects import safe_next

_SLUG: Final = re.compile(r"/p/([a-z0-9-]{1,40})/")


class AuthDBView(FabAuthDBView):
    """Named as Flask-AppBuilder names it, since that is the endpoint: ``AuthDBView.login``, ``AuthDBView.logout``.

    Both open their own scopes: the gate must hold none open for them.
    """

    @expose("/login", methods=("GET", "POST"))
    def login(self) -> Any:
        """The page and its form. A failure never says which part was wrong."""
        target = safe_next(request.values.get("next"))
        if request.method == "GET":
            is_in = current_user.is_authenticated and not sessions.is_partial()
            return redirect(target) if is_in else _page(target)
        address = limits.origin(request.remote_addr)
        username = request.form.get("username", "")[:320]
        if limits.is_exhausted(limits.SIGN_IN_BY_ADDRESS, address):
            wait = _("There were too many attempts from your network. Please wait ten minutes and try again.")
            return _page(target, username, wait, status=429)
        found = sign_in.recognise(username, request.form.get("password", ""))
        if found is None:
            limits.count(limits.SIGN_IN_BY_ADDRESS, address)
            wrong = _(
                "The user name and password do not match. After several wrong attempts an account is paused for 15 "
                "minutes."
            )
            return _page(target, username, wrong, status=422)
        if found.needs:
            second_step.ask(found, target)
            return redirect("/login/second-step", 303)
        sessions.begin(found.user_id)
        return redirect(target, 303)

    @expose("/logout", methods=("POST",))
    def logout(self) -> Any:
        """End this browser's session; whom a practice's provider let in is led to sign out there, too.

        Or the next person at this computer would be let in by their name.
        """
        row = sessions.current()
        practice_id = row.only_practice if row is not None else None
        if current_user.is_authenticated:
            with db.scope():
                sign_in.note(current_user, "session.signed_out")
        sessions.end()
        return redirect("/login", 303) if practice_id is None else _farewell(practice_id)


def _farewell(practice_id: UUID) -> Any:
    with db.scope(practice_id, write=False):
        provider, slug = oidc.opened(), tenancy.current().slug
    url = oidc.farewell(provider, f"{settings.current().base_url}/login") if provider is not None else None
    if provider is None or url is None:
        return redirect(f"/login?practice={slug}", 303)
    # Our policy lets no form end at the provider, not by a redirect either: the page goes on by itself.
    return render_template("account/to_provider.html", url=url, title=provider.title)


def _practice(target: str) -> str:
    """The practice that somebody wants to sign in to, by the address that they came from; empty when it is unknown."""
    found = _SLUG.match(target)
    return request.args.get("practice", "") or (found.group(1) if found else "")


def _page(target: str, username: str = "", error: str | None = None, *, status: int = 200) -> Any:
    page = render_template(
        "sign_in/login.html",
        next=target,
        values={"username": username},
        error=error,
        passkeys_possible=passkeys.are_possible(),
        practice=_practice(target),
    )
    return make_response(page, status)
