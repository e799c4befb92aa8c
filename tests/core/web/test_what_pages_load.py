"""What every page loads: our own style sheets and modules, and nothing of Flask-AppBuilder's Bootstrap 3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from flask import Flask
from werkzeug.routing import Rule

from core import audit, db, demo
from core.security import users
from core.web.assets import STATIC
from core.web.routes import table
from plugins.video_call import sample as video_sample
from tests.support.house import House, Visitor
from tests.support.photos import NADIA, a_request_with_photos

BANNED: Final = re.compile(
    r"bootstrap(?:[.-]?3|/3|\.min\.css|-theme)|jquery|glyphicon|select2|font-?awesome|fa fa-|appbuilder", re.I
)
SKIPPED: Final = {"static"}


class Loaded(HTMLParser):
    """Every address that a page makes a browser fetch by itself, and every class that it uses."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and "canonical" not in (given.get("rel") or ""):
            self.addresses.append(given.get("href") or "")
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed"):
            self.addresses.append(given.get("src") or "")
        self.classes += (given.get("class") or "").split()
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


def loaded(page: str) -> Loaded:
    found = Loaded()
    found.feed(page)
    return found


def pages(app: Flask) -> Iterator[Rule]:
    """Every address that answers a GET."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in SKIPPED:
            yield rule


def address(rule: Rule, house: House, ids: dict[str, UUID]) -> str:
    """The rule with ids in it: those that there are, and for all others one of nobody."""
    known = {"practice_slug": "riverside", "practice_id": str(house.riverside)}
    known |= {name: str(value) for name, value in ids.items()}

    def fill(found: re.Match[str]) -> str:
        kind, name = found.group(1) or "", found.group(2)
        return known.get(name) or (str(uuid4()) if "uuid" in kind else "photo_request")

    return re.sub(r"<(?:([a-z0-9]+):)?([a-z_0-9]+)>", fill, rule.rule)


def test_no_page_loads_bootstrap_3_jquery_or_glyphicons(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    with db.scope():
        users.create_user("olga", "olga@example.com", "Olga", "Berg", demo.PASSWORD, is_operator=True)
    ids = a_request_with_photos(house, house.riverside)
    with audit.use_actor(NADIA):
        ids |= video_sample.make(house.riverside, ids["patient_id"])
    house.work()
    browsers = [visitor() for _each in range(4)]
    for browser, name in zip(browsers, ("amira", "helen", "olga"), strict=False):
        browser.sign_in(name)
    seen: set[str] = set()
    shown: set[str] = set()
    for rule in pages(app):
        url = address(rule, house, ids)
        for browser in browsers:
            answer = browser.get(url)
            assert answer.status_code < 500, url
            if answer.status_code == 200:
                shown.add(rule.endpoint)
            if answer.mimetype != "text/html":
                continue
            seen.add(rule.endpoint)
            page = loaded(answer.get_data(as_text=True))
            for one in page.addresses:
                assert not BANNED.search(one), f"{url} loads {one}"
                assert not one or one.startswith(
                    ("/static/", "/s/", "data:", "blob:", "/p/", "/v/", "/practice", "/dev/outbox/")
                ), f"{url} loads {one} from elsewhere"
            assert not [name for name in page.classes if BANNED.search(name)], url
            assert page.inline == [], f"{url} has inline handlers or styles"
    assert {
        "patients.index",
        "today.index",
        "AuthDBView.login",
        "operator.index",
        "audit_trail.index",
    } <= seen
    assert {
        "photo_request.show",
        "photo_request.photo",
        "video_call.call",
        "video_call.chat_of",
        "video_call.line",
        "video_call.backgrounds",
    } <= shown, "they were looked at with rows that are there"


def test_what_flask_appbuilder_registers_is_only_the_way_in_and_it_is_ours(app: Flask) -> None:
    access = table(app)
    for rule in app.url_map.iter_rules():
        assert rule.endpoint in access, f"{rule.rule} says nobody who may come in"
        module = app.view_functions[rule.endpoint].__module__
        assert module.startswith(("core.", "plugins.", "flask.")), f"{rule.rule} is {module}'s"
    assert "appbuilder.static" not in access


def test_its_static_files_and_templates_are_not_served(visitor: Callable[[], Visitor]) -> None:
    for path in (
        "/static/appbuilder/css/bootstrap.min.css",
        "/static/appbuilder/js/jquery-latest.js",
        "/appbuilder/static/css/bootstrap.min.css",
        "/static/appbuilder/fonts/glyphicons-halflings-regular.woff2",
    ):
        assert visitor().get(path).status_code == 404


def test_our_own_style_sheets_and_scripts_mention_none_of_it() -> None:
    ours = [*(STATIC / "css").glob("*.css"), *(STATIC / "js").glob("*.js")]
    assert ours
    found = [path.name for path in ours if re.search(r"glyphicon|jquery|\$\(", path.read_text(), re.I)]
    assert found == []
    tabler = (STATIC / "vendor" / "tabler" / "tabler.min.css").read_text()[:2_000]
    assert "tabler" in tabler.lower()


def test_no_template_of_ours_extends_flask_appbuilders() -> None:
    root = Path(STATIC).parents[2]
    templates = [*root.glob("core/**/templates/**/*.html"), *root.glob("plugins/*/templates/**/*.html")]
    assert len(templates) > 50
    assert not [path for path in templates if "appbuilder/" in path.read_text()]
