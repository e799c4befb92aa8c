"""Icons, hashed URLs and the import map."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from core.web import assets
from tests.support.house import Visitor

ROOT = Path(__file__).parents[3]
TEMPLATES = [*ROOT.glob("core/web/templates/**/*.html"), *ROOT.glob("plugins/*/templates/**/*.html")]
NAMED = re.compile(r"""(?:icon\(|icon_name=|picture = )["']([a-z0-9-]+)["']""")


def test_every_icon_that_templates_name_exists() -> None:
    named = {(name, path.name) for path in TEMPLATES for name in NAMED.findall(path.read_text())}
    assert len(named) > 30
    assert {(name, where) for name, where in named if not (assets.ICONS / f"{name}.svg").is_file()} == set()


def test_icon_is_inlined_and_hidden_from_screen_readers() -> None:
    svg = assets.icon("camera", size=16)
    assert 'width="16"' in svg
    assert 'aria-hidden="true"' in svg
    assert "<path" in svg
    assert "xmlns" not in svg


def test_an_unknown_icon_breaks_no_page_and_leaves_the_folder_alone() -> None:
    for name in ("no-such-icon", "../../../../../etc/passwd", "x/y"):
        assert "<rect" in assets.icon(name)


def test_hash_follows_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.css"
    file.write_text("a{}")
    first = assets.content_hash(file)
    file.write_text("b{}!")
    assert re.fullmatch(r"[0-9a-f]{12}", first)
    assert assets.content_hash(file) != first
    assert assets.content_hash(tmp_path / "none.css") == ""


@pytest.fixture
def page(visitor: Callable[[], Visitor]) -> str:
    return str(visitor().get("/login").get_data(as_text=True))


def test_a_hashed_file_is_kept_for_a_year_and_a_stale_hash_is_not(
    visitor: Callable[[], Visitor], app: Flask
) -> None:
    with app.test_request_context():
        url = assets.asset("css/staff.css")
    browser = visitor()
    assert "immutable" in browser.get(url).headers["Cache-Control"]
    assert "immutable" not in browser.get("/static/css/staff.css?v=000000000000").headers["Cache-Control"]


def test_our_own_modules_go_out_without_their_comments(visitor: Callable[[], Visitor]) -> None:
    sent = visitor().get("/static/js/bus.js")
    assert sent.mimetype == "text/javascript"
    assert "export function listen(" in sent.text
    assert "@typedef" not in sent.text
    assert len(sent.data) < (assets.STATIC / "js" / "bus.js").stat().st_size * 0.8
    again = visitor().get("/static/js/bus.js", headers={"If-None-Match": sent.headers["ETag"]})
    assert again.status_code == 304
    assert visitor().get("/static/js/none.js").status_code == 404


def test_import_map_names_files_that_exist_and_carries_the_nonce(
    page: str, visitor: Callable[[], Visitor]
) -> None:
    found = re.search(r'<script type="importmap" nonce="([^"]+)">(.*?)</script>', page)
    assert found is not None
    imports = json.loads(found[2])["imports"]
    assert {"careroom/menu", "careroom/dialog", "socket.io-client"} <= imports.keys()
    browser = visitor()
    assert {url: browser.get(url).status_code for url in imports.values()} == dict.fromkeys(
        imports.values(), 200
    )


def test_every_module_that_our_scripts_import_is_in_the_map(app: Flask) -> None:
    scripts = [*(assets.STATIC / "js").glob("*.js")]
    wanted = {
        name for path in scripts for name in re.findall(r'(?:from|import) "([^"./][^"]*)"', path.read_text())
    }
    with app.test_request_context():
        assert wanted <= assets.imports().keys()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_inline_script_or_style(path: Path) -> None:
    """The policy would refuse it, silently for whoever does not look at the console."""
    text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=", text)
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in tag or 'type="application/json"' in tag
