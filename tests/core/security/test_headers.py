"""What answers tell browsers, and which requests are believed to come from our own pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.app import create_app
from core.demo import PASSWORD
from core.settings import Settings
from tests.support.house import House, Visitor

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


def _policy(answer: Any) -> dict[str, list[str]]:
    parts = [part.strip().split() for part in answer.headers["Content-Security-Policy"].split(";")]
    return {part[0]: part[1:] for part in parts}


# --- headers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/login", "/l/unknown", "/no/such/page", "/healthz", "/v/00000000-0000-7000-8000-000000000000/"]
)
def test_every_answer_has_the_headers(visitor: Callable[[], Visitor], path: str) -> None:
    answer = visitor().get(path)
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert "camera=(), microphone=(), display-capture=()" in headers["Permissions-Policy"]
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers  # this house is served over http


def test_the_policy_runs_our_scripts_only_and_lets_nobody_frame_us(visitor: Callable[[], Visitor]) -> None:
    policy = _policy(visitor().get("/login"))
    nonce = policy["script-src"][1]
    assert re.fullmatch(r"'nonce-[A-Za-z0-9_-]{24}'", nonce)
    assert policy == {
        "default-src": ["'none'"],
        "script-src": ["'self'", nonce],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "media-src": ["'self'", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", "ws://localhost"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "frame-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    }


def test_each_answer_has_a_nonce_of_its_own_and_its_inline_scripts_carry_it(
    visitor: Callable[[], Visitor],
) -> None:
    browser = visitor()
    seen = set()
    for _ in range(3):
        answer = browser.get("/login")
        nonce = _policy(answer)["script-src"][1][len("'nonce-") : -1]
        inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", answer.get_data(as_text=True))
        assert inline
        assert all(
            f'nonce="{nonce}"' in attributes or "application/json" in attributes for attributes in inline
        )
        seen.add(nonce)
    assert len(seen) == 3


def test_a_page_has_no_inline_style_and_no_handler_in_an_attribute(visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    for path in ("/login", "/l/unknown"):
        page = browser.get(path).get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=\"|\son[a-z]+=\"|javascript:", page)


def test_a_host_that_is_none_does_not_enter_the_policy(visitor: Callable[[], Visitor]) -> None:
    answer = visitor().get("/login", headers={"Host": "x;script-src *"})
    if answer.status_code == 200:
        assert _policy(answer)["connect-src"] == ["'self'"]
        assert "*" not in answer.headers["Content-Security-Policy"]


def test_files_that_are_the_same_for_everybody_may_be_kept(
    app: Flask, visitor: Callable[[], Visitor]
) -> None:
    answer = visitor().get("/static/css/patient.css")
    assert answer.status_code == 200
    assert answer.headers.get("Cache-Control") != "no-store"
    assert visitor().get("/static/css/no-such.css").headers["Cache-Control"] == "no-store"


def test_over_https_cookies_are_secure_and_browsers_stay_on_https(
    house: House, make_settings: Callable[..., Settings]
) -> None:
    app = create_app(make_settings(base_url="https://care.example"))
    browser = Visitor(app, app.test_client())
    answer = browser.get("/login", base_url="https://care.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert "upgrade-insecure-requests" in _policy(answer)
    assert _policy(answer)["connect-src"] == ["'self'", "wss://care.example"]
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-careroom_session=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


# --- forged requests -----------------------------------------------------------------------------------------------


def _token(browser: Visitor) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', browser.get("/login").get_data(as_text=True))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["/login", "/logout", "/preferences", "/l/unknown"])
@pytest.mark.parametrize("token", [None, "", "guess", "other session's"])
def test_a_form_without_its_token_is_refused(
    house: House, visitor: Callable[[], Visitor], path: str, token: str | None
) -> None:
    browser = visitor()
    browser.get("/login")
    if token == "other session's":
        token = _token(visitor())
    data = {"username": "amira", "password": PASSWORD, **({} if token is None else {"csrf_token": token})}
    answer = browser.client.post(path, data=data)
    assert answer.status_code == 400
    assert browser.get("/").location == "/login"  # nobody was signed in


def test_a_form_with_its_token_is_taken(house: House, visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    data = {"username": "amira", "password": PASSWORD, "csrf_token": _token(browser)}
    assert browser.client.post("/login", data=data, headers=SAME_SITE).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_form_on_another_site_is_refused_even_with_a_token(
    house: House, visitor: Callable[[], Visitor], headers: dict[str, str]
) -> None:
    browser = visitor()
    data = {"username": "amira", "password": PASSWORD, "csrf_token": _token(browser)}
    answer = browser.client.post("/login", data=data, headers=headers)
    assert answer.status_code == 400
    assert "amira" not in answer.get_data(as_text=True)  # nothing to press


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "null"}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "none"}, SAME_SITE]
)
def test_browsers_that_tell_less_are_believed_with_a_token(
    house: House, visitor: Callable[[], Visitor], headers: dict[str, str]
) -> None:
    browser = visitor()
    data = {"username": "amira", "password": PASSWORD, "csrf_token": _token(browser)}
    assert browser.client.post("/login", data=data, headers=headers).status_code == 303


def test_a_stale_form_keeps_what_was_typed_but_no_password(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    browser = visitor()
    data = {"username": "a<b>\"'", "password": PASSWORD, "next": "/p/riverside/", "csrf_token": "stale"}
    answer = browser.client.post("/login", data=data, headers=SAME_SITE)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "Please send that again" in page) == (400, True)
    assert 'name="username" value="a&lt;b&gt;&#34;&#39;"' in page
    assert 'name="next" value="/p/riverside/"' in page
    assert PASSWORD not in page
    fresh = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert fresh is not None
    again = browser.client.post(
        "/login", data={"username": "amira", "password": PASSWORD, "csrf_token": fresh[1]}, headers=SAME_SITE
    )
    assert again.status_code == 303


def test_a_script_is_told_in_json_that_its_page_is_stale(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    answer = visitor().client.post("/preferences", json={"theme": "dark"}, headers={"X-CSRFToken": "stale"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "stale_page")


def test_a_preview_may_frame_itself_under_a_policy_of_its_own(app: Flask) -> None:
    from core.web.routes import Access, declare

    @app.get("/tests/framed")
    def framed() -> Any:
        return "x", {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'; sandbox"}

    declare(app, "framed", Access("public"))
    answer = app.test_client().get("/tests/framed")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'self'; sandbox"
    assert "X-Frame-Options" not in answer.headers
