"""How people sign in to this practice: its rules, and its own OpenID Connect provider."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from pydantic import ValidationError

from core import settings, tenancy
from core.admin import conflicts, settings_form
from core.i18n import _
from core.security import oidc, rules
from core.security.oidc_network import OidcRefused
from core.security.rules import SignInRules
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="admin_sign_in", prefix="/admin/sign-in")


@routes.get("", permission=rules.PERMISSION)
def edit() -> Any:
    """Rules and provider."""
    return _page()


@routes.post("", permission=rules.PERMISSION)
def save() -> Any:
    """Store the rules, or show the form again with what is wrong."""
    if conflicts.is_stale(request.form, _stored_rules):
        return _page(request.form, stale="rules", status=409)
    kept = rules.of(tenancy.current())
    try:
        rules.save(settings_form.read(SignInRules, request.form, kept))
    except ValidationError as error:
        return _page(request.form, error, status=422)
    flash(_("The settings are saved."), "success")
    return redirect(url_for("admin_sign_in.edit"), 303)


@routes.post("/provider", permission=rules.PERMISSION)
def save_provider() -> Any:
    """Store the provider, or drop it."""
    form = request.form
    is_stale = conflicts.is_stale(form, _stored_provider)
    if form.get("action") == "remove":
        if is_stale:
            conflicts.tell()
        else:
            oidc.remove()
            flash(_("The provider is removed. People sign in with their passwords or passkeys."), "success")
        return redirect(url_for("admin_sign_in.edit"), 303)
    if is_stale:
        return _page(typed=_typed_provider(), stale="provider", status=409)
    try:
        oidc.configure(
            form.get("title", ""),
            form.get("issuer", ""),
            form.get("client_id", ""),
            form.get("client_secret", ""),
            form.get("scopes", ""),
            enabled="enabled" in form,
        )
    except OidcRefused as refused:
        return _page(provider_error=refused.message, typed=_typed_provider(), status=422)
    flash(_("The settings are saved."), "success")
    return redirect(url_for("admin_sign_in.edit"), 303)


def _stored_rules() -> object:
    return rules.of(tenancy.current()).model_dump(mode="json")


def _stored_provider() -> object:
    row = oidc.configured()
    return row and [row.title, row.issuer, row.client_id, row.client_secret, row.scopes, row.enabled]


def _typed_provider() -> dict[str, Any]:
    return {**request.form.to_dict(), "enabled": "enabled" in request.form}


def _page(
    form: settings_form.Form | None = None,
    error: ValidationError | None = None,
    *,
    provider_error: str | None = None,
    typed: dict[str, Any] | None = None,
    stale: str | None = None,
    status: int = 200,
) -> Any:
    practice = tenancy.current()
    row = oidc.configured()
    fields = settings_form.fields(SignInRules, rules.of(practice), form, error)
    values: dict[str, Any] = typed or {
        "title": row.title if row else "",
        "issuer": row.issuer if row else "",
        "client_id": row.client_id if row else "",
        "scopes": row.scopes if row else "openid email profile",
        "enabled": row.enabled if row else True,
    }
    base = settings.current().base_url
    page = render(
        "admin/sign_in.html",
        fields=fields,
        errors=[(item.name, f"{item.label}: {item.error}") for item in fields if item.error],
        seen_rules=conflicts.seen(_stored_rules(), request.form if error else None),
        seen_provider=conflicts.seen(_stored_provider(), request.form if provider_error else None),
        stale=stale,
        provider=row,
        provider_error=provider_error,
        values=values,
        redirect_uri=base + url_for("oidc.back"),
        sign_out_uri=f"{base}/login",
        sign_in_url=f"{base}/login?practice={practice.slug}",
    )
    return make_response(page, status)
