"""The wiring of the web process, readable from top to bottom."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_login import current_user
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix

from core import db, i18n, observability, plugin_system, realtime, settings
from core.admin import plugins as admin_plugins
from core.i18n import install_jinja
from core.plugin_system import wiring
from core.realtime import sockets
from core.security import configuration
from core.security import permissions as permission_store
from core.settings import Settings
from core.web import (
    account,
    assets,
    errors,
    gate,
    healthz,
    links,
    outbox,
    panels,
    patient_import,
    patients,
    plugin_assets,
    providers,
    routes,
    security_headers,
    shell,
    style_page,
    today,
)

CORE_ROUTES = (
    account.routes,
    healthz.routes,
    links.routes,
    links.patient_routes,
    plugin_assets.routes,
    providers.routes,
    today.routes,
    patients.routes,
    patient_import.routes,
    panels.routes,
    admin_plugins.routes,
)
OPEN_HOUSE_ROUTES = (outbox.routes, style_page.routes)


def create_app(chosen: Settings) -> Flask:
    """Build the web application. Touches no table: migrations and seeds are commands of their own."""
    settings.configure(chosen)
    observability.configure(chosen)
    db.configure(chosen)
    wiring.start(chosen)

    app = Flask("core", static_folder="web/static", template_folder="web/templates")
    app.config.from_mapping(configuration.flask_config(chosen))
    if chosen.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=chosen.trusted_proxies, x_proto=chosen.trusted_proxies, x_host=chosen.trusted_proxies
        )
    install_jinja(app.jinja_env)

    gate.install(app)
    security_headers.install(app)
    errors.install(app)
    assets.install(app)
    shell.install(app)
    with app.app_context():
        AppBuilder(
            app,
            LocalProxy(db.session),
            security_manager_class=configuration.security_manager(),
            indexview=configuration.NoIndexView,
            base_template="bare/base.html",
        )
    configuration.declare_library_routes(app)

    for blueprint in CORE_ROUTES + (OPEN_HOUSE_ROUTES if chosen.is_open_house else ()):
        app.register_blueprint(blueprint)
    for plugin in plugin_system.registry:
        for blueprint in plugin.routes:
            app.register_blueprint(blueprint)
    routes.check_declared(app)

    sockets.create_socketio(app, chosen)
    return app
