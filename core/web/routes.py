"""Sets of routes that say who may come in.

Every route of Careroom is declared with its access; an endpoint without one stops the start-up. The gate
(:mod:`core.web.gate`) reads what is declared here, and is the only place that enforces it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, cast

from flask import Blueprint
from flask.sansio.app import App
from flask.typing import RouteCallable

Kind = Literal["staff", "patient", "signed_in", "operator", "public", "asset", "static"]
ScopeMode = Literal["auto", "none"]
_TABLE = "careroom.access"


class UndeclaredAccess(RuntimeError):
    """A route does not say who may come in."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use an endpoint.

    kind: staff (signed in, member of the practice in the URL, has ``permission``), patient (holds a link with
    ``purpose``), signed_in (no practice), operator (of the platform; no practice), public, asset (a plugin's static
    file), static (no session at all).
    scope: "none" where the view opens its own scopes, because it reads a long body or does I/O.
    devices: the page may ask for camera, microphone and screen (a call): on every other page the browser refuses.
    """

    kind: Kind
    owner: str = "core"
    permission: str | None = None
    purpose: str | None = None
    scope: ScopeMode = "auto"
    devices: bool = False


def table(app: App) -> dict[str, Access]:
    """The access of every endpoint of this app."""
    found: dict[str, Access] = app.extensions.setdefault(_TABLE, {})
    return found


def declare(app: App, endpoint: str, access: Access) -> None:
    """State the access of an endpoint that a library registered."""
    table(app)[endpoint] = access


def check_declared(app: App) -> None:
    """Raises UndeclaredAccess when an endpoint of the URL map has no declared access."""
    missing = {rule.endpoint for rule in app.url_map.iter_rules()} - table(app).keys()
    if missing:
        raise UndeclaredAccess(f"say who may use {', '.join(sorted(missing))}")


class _Routes(Blueprint):
    """A blueprint whose every route says who may come in, by the keyword argument that ``asks`` names."""

    asks: ClassVar[str]

    def __init__(self, owner: str, name: str, import_name: str, url_prefix: str) -> None:
        super().__init__(name, import_name, template_folder="templates", url_prefix=url_prefix)
        self.owner = owner
        self._access: dict[str, Access] = {}

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        *,
        scope: ScopeMode = "auto",
        devices: bool = False,
        **options: Any,
    ) -> None:
        """Register a rule. Raises UndeclaredAccess when it does not say who may come in."""
        if self.asks not in options:
            raise UndeclaredAccess(f"{self.name}: {rule} needs {self.asks}=")
        access = replace(self._access_for(options.pop(self.asks), scope), devices=devices)
        name = endpoint or str(getattr(view_func, "__name__", ""))
        if self._access.setdefault(name, access) != access:
            raise UndeclaredAccess(f"{self.name}.{name} is declared twice with different access")
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)

    def _access_for(self, asked: str, scope: ScopeMode) -> Access:
        raise NotImplementedError

    def register(self, app: App, options: dict[str, Any]) -> None:
        super().register(app, options)
        for endpoint, access in self._access.items():
            declare(app, f"{self.name}.{endpoint}", access)


class StaffRoutes(_Routes):
    """Routes for those who work in the practice, below ``/p/<practice>/<owner>``.

    ``@routes.get("/requests/<uuid:request_id>", permission="photo_request.view")``; the view does not receive the
    practice's slug, and ``url_for`` fills it in.
    """

    asks = "permission"

    def __init__(
        self, owner: str, import_name: str, *, name: str | None = None, prefix: str | None = None
    ) -> None:
        path = f"/{owner}" if prefix is None else prefix
        super().__init__(owner, name or owner, import_name, f"/p/<practice_slug>{path}")

    def _access_for(self, asked: str, scope: ScopeMode) -> Access:
        return Access("staff", self.owner, permission=asked, scope=scope)


class PatientRoutes(_Routes):
    """Routes behind a patient's link, below ``/v/<link>/<owner>``.

    ``@routes.get("/", purpose="photo_request.photos")``: the purpose of the links that lead here, "*" for any.
    """

    asks = "purpose"

    def __init__(
        self, owner: str, import_name: str, *, name: str | None = None, prefix: str | None = None
    ) -> None:
        path = f"/{owner}" if prefix is None else prefix
        super().__init__(owner, name or f"{owner}_patient", import_name, f"/v/<uuid:link_id>{path}")

    def _access_for(self, asked: str, scope: ScopeMode) -> Access:
        return Access("patient", self.owner, purpose=asked, scope=scope)


class CoreRoutes(_Routes):
    """Routes of the core outside a practice: ``access`` is "public", "signed_in", "operator", "asset" or "static"."""

    asks = "access"

    def __init__(self, name: str, import_name: str, *, prefix: str = "") -> None:
        super().__init__("core", name, import_name, prefix)

    def _access_for(self, asked: str, scope: ScopeMode) -> Access:
        return Access(cast(Kind, asked), scope=scope)
