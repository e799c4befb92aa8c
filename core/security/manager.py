"""Flask-AppBuilder, with our roles, our sign-in, and none of the pages that it brings along."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app
from flask_appbuilder import AppBuilder
from flask_appbuilder.api.manager import OpenApiManager
from flask_appbuilder.babel.manager import BabelManager
from flask_appbuilder.basemanager import BaseManager
from flask_appbuilder.menu import Menu, MenuApiManager
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from sqlalchemy import select

from core import db, i18n
from core.security import permissions, sessions, sign_in
from core.security.views import AuthDBView


class PracticeSecurityManager(SecurityManager):
    """Roles are those of the membership in the current practice, so all of Flask-AppBuilder's checks are too."""

    authdbview = AuthDBView

    def register_views(self) -> None:
        """Sign-in and sign-out, and nothing else: no user lists, no registration, no REST interface."""
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def get_user_roles(self, user: Any) -> list[Role]:
        """The roles of this user in the current practice, and the platform's; nobody has the public role."""
        if not user.is_authenticated:
            return []
        return list(
            db.session().scalars(select(Role).where(permissions.held_roles(user.id)).order_by(Role.name))
        )

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Flask-AppBuilder's question, answered from our one query a request."""
        return permissions.can(permissions.join(permission_name, view_name))

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public by a role: what is public says so in its route."""
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """Flask-AppBuilder's menu is not used; our navigation asks ``can``."""
        return set()

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Whoever asks Flask-AppBuilder to sign somebody in gets our way of doing it."""
        user_id = sign_in.authenticate(username or "", password or "")
        return None if user_id is None else self.session.get(User, user_id)

    def load_user(self, pk: Any) -> User | None:
        """The user of the session cookie, while the session's row lives."""
        return sessions.load_user(str(pk))

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Flask-Login without its own redirects and remember-me: the gate decides who comes in."""
        manager = LoginManager(app)
        manager.session_protection = None  # a phone changes its address; a copied cookie is ended by its row
        manager.user_loader(self.load_user)
        return manager

    def create_jwt_manager(self, app: Flask) -> None:
        """No tokens beside the session cookie."""

    def create_limiter(self, app: Flask) -> Limiter:
        """Flask-AppBuilder wants one; ours are counted in :mod:`core.security.limits`, this one never counts."""
        return Limiter(key_func=get_remote_address, enabled=False)


class _Languages(BabelManager):
    """Flask-AppBuilder's own few words in the reader's language, as core.i18n knows it."""

    def __init__(self, appbuilder: AppBuilder) -> None:
        BaseManager.__init__(self, appbuilder)
        current_app.config.setdefault("BABEL_DEFAULT_LOCALE", "en")
        # Not into Jinja: there `_` is core.i18n's.
        self.babel = Babel(configure_jinja=False)
        self.babel.init_app(current_app, locale_selector=self.get_locale)

    def get_locale(self) -> str:
        """The reader's language without its region; English for a pseudo-language."""
        code = i18n.language().partition("-")[0]
        return code if code in i18n.LANGUAGES else "en"


class CareroomAppBuilder(AppBuilder):
    """AppBuilder without the index, /back, /lang, /api, /swagger and static routes that it would register.

    ``init_app`` does what Flask-AppBuilder 5.3's does, less those: its own would also put Flask-Babel's gettext
    over ours in Jinja.
    """

    def init_app(self, app: Flask, session: Any) -> None:
        """Put the builder on an app, within its context. ``session`` is the scope's, through a proxy."""
        self._init_extension(app)
        self._session = session
        self.update_perms = False
        self.menu = Menu()
        self.sm = PracticeSecurityManager(self)
        self.bm = _Languages(self)
        self.openapi_manager = OpenApiManager(self)
        self.menuapi_manager = MenuApiManager(self)
        self._add_global_static()
        self._add_global_filters()
        app.before_request(self.sm.before_request)
        self.sm.register_views()

    def _add_global_static(self) -> None:
        # Its templates stay reachable for ModelViews; its Bootstrap 3 does not.
        current_app.register_blueprint(
            Blueprint("appbuilder", "flask_appbuilder.base", template_folder="templates")
        )

    @property
    def get_url_for_index(self) -> str:
        return "/"
