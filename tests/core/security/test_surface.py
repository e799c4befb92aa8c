"""What Flask-AppBuilder would put on the web by itself is not there."""

from __future__ import annotations

import pytest
from flask import Flask

from core.security.redirects import safe_next
from tests.support.house import House


def test_flask_appbuilder_adds_no_route_but_sign_in_and_out(app: Flask) -> None:
    from_library = {
        (rule.rule, rule.endpoint)
        for rule in app.url_map.iter_rules()
        if not app.view_functions[rule.endpoint].__module__.startswith(("core.", "plugins."))
    }
    assert {rule for rule, endpoint in from_library if endpoint != "static"} <= {"/login", "/logout"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/security/login",
        "/api/v1/_openapi",
        "/api/v1/menu/",
        "/swagger/v1",
        "/back",
        "/lang/fr",
        "/users/list/",
        "/roles/list/",
        "/register/form",
        "/resetmypassword/form",
        "/resetpassword/form",
        "/userinfoeditview/form",
        "/permissions/list/",
        "/viewmenus/list/",
        "/permissionviews/list/",
        "/userstatschartview/chart/",
        "/static/appbuilder/css/bootstrap.min.css",
        "/static/appbuilder/js/jquery-latest.js",
        "/static/../settings.py",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_its_usual_addresses_answer_as_if_they_did_not_exist(app: Flask, path: str, method: str) -> None:
    assert app.test_client().open(path, method=method).status_code in (404, 405)


def test_the_library_registers_no_default_role_or_user(house: House) -> None:
    from flask_appbuilder.security.sqla.models import Role
    from sqlalchemy import select

    from core import db
    from core.tenancy import ROLES

    with db.scope(write=False) as session:
        assert set(session.scalars(select(Role.name))) == set(ROLES)


@pytest.mark.parametrize("path", ["/", "/p/riverside/", "/p/riverside/patients?q=a%20b&x=1", "/l/abc#x"])
def test_a_page_of_ours_is_a_safe_place_to_go(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path", [None, "", "x", "//x", "/\\x", "https://x", "/a\nb", "/\u200bx", "/" + "x" * 2001]
)
def test_anything_else_is_not(path: str | None) -> None:
    assert safe_next(path, "/home") == "/home"
