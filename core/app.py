"""The wiring of the web process, readable from top to bottom."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core import db, observability, plugin_system, settings
from core.admin import administration, plugin_health
from core.admin import plugin_settings as admin_plugin_settings
from core.admin import plugins as admin_plugins
from core.i18n import install_jinja
from core.plugin_system import wiring
from core.security import configuration
from core.settings import Settings
from core.web import (
    account,
    account_lock,
    account_oidc,
    account_page,
    account_sign_in,
    alerts,
    assets,
    audit_trail,
    bell,
    brand,
    communication,
    contact,
    emergency,
    errors,
    fault_notes,
    gate,
    healthz,
    incoming,
    launch,
    links,
    live,
    locked_links,
    messages,
    metrics,
    outbox,
    palette,
    panels,
    patient_bulk,
    patient_data,
    patient_import,
    patients,
    plugin_assets,
    providers,
    providers_offered,
    rail,
    routes,
    security_headers,
    shell,
    sockets,
    style_page,
    timeline,
    today,
    toolbar,
)

CORE_ROUTES = (
    account.routes,
    account_lock.routes,
    account_oidc.routes,
    account_page.routes,
    account_sign_in.routes,
    admin_plugins.routes,
    *administration.ROUTES,
    admin_plugin_settings.routes,
    audit_trail.routes,
    bell.routes,
    alerts.routes,
    communication.routes,
    contact.routes,
    brand.logo_routes,
    brand.routes,
    emergency.routes,
    healthz.routes,
    launch.door,
    launch.routes,
    links.patient_routes,
    links.routes,
    live.patient_routes,
    live.staff_routes,
    locked_links.routes,
    messages.routes,
    metrics.routes,
    palette.routes,
    panels.routes,
    patient_data.routes,
    patient_bulk.routes,
    patient_import.routes,
    patients.routes,
    plugin_assets.routes,
    plugin_health.routes,
    providers.routes,
    rail.routes,
    timeline.routes,
    today.routes,
    toolbar.routes,
)
OPEN_HOUSE_ROUTES = (outbox.routes, style_page.routes)


def create_app(chosen: Settings) -> Flask:
    """Build the web application. It touches no table: migrations and seeds are commands of their own."""
    settings.configure(chosen)
    observability.configure(chosen)
    db.configure(chosen)
    wiring.start(chosen)

    app = Flask("core", static_folder="web/static", template_folder="web/templates")
    app.request_class = incoming.Incoming
    app.config.from_mapping(configuration.flask_config(chosen))
    if hops := chosen.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    metrics.install(app)
    fault_notes.install(app)
    gate.install(
        app
    )  # before the others: whatever runs before a view after this finds a scope and knows who is there
    security_headers.install(app)
    errors.install(app)
    install_jinja(app.jinja_env)
    assets.install(app)
    plugin_assets.install(app)
    shell.install(app)
    emergency.install(app)
    providers_offered.install(app)
    configuration.install(app)

    for blueprint in CORE_ROUTES + (OPEN_HOUSE_ROUTES if chosen.is_open_house else ()):
        app.register_blueprint(blueprint)
    for plugin in tuple(plugin_system.registry):
        _add_routes(app, plugin)
    account.declare_library_routes(app)
    routes.declare(app, "static", routes.Access("static"))
    routes.check_declared(app)

    sockets.install(app, chosen)
    return app


def _add_routes(app: Flask, plugin: plugin_system.Plugin) -> None:
    """Its pages; a plugin whose routes do not fit is given up, and the application starts without it."""
    try:
        for routes_of_plugin in plugin.routes if plugin.name in plugin_system.registry else ():
            app.register_blueprint(cast(Blueprint, routes_of_plugin))
    except Exception as error:
        plugin_system.registry.refuse(plugin.name, f"its routes: {type(error).__name__}: {error}")
