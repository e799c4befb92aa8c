"""What it costs that a page is made of panels: Today with 12 panels of 6 plugins, beside the same page as one template.

Both are requests to the same application, signed in, with the whole shell around them and the same twelve lists. On
one side six plugins are asked for their panels, and each view renders its own template; the other is one route with
one template that holds everything.
"""

import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from jinja2 import ChoiceLoader, DictLoader

from benchmarks.bench_request import _cookies, _request
from benchmarks.measure import Row, cpu_of_calls, in_child, side_by_side

PLUGINS: Final = 6
PANELS: Final = 12
LINES: Final = 8
CALLS: Final = 100

LIST: Final = """<ul class="rows">{% for line in lines %}<li><a class="row-item" href="/p/riverside/patients">
<span class="row-main"><span class="row-title">{{ line.name }}</span>
<span class="row-detail">{{ line.detail }}</span></span>
{{ icon("chevron-right") }}</a></li>{% endfor %}</ul>"""

PAGE: Final = (
    """{% extends "staff/base.html" %}{% from "ui.html" import page_header %}
{% block header %}{{ page_header("Good morning, Amira", subtitle=format_date(today, "full")) }}{% endblock %}
{% block content %}<div class="stack"><div class="columns columns-2">{% for number in range(count) %}
<section class="panel sheet" id="panel-{{ number }}" data-panel="bench.p{{ number }}" aria-label="List {{ number }}">
<header class="sheet-head"><div class="sheet-heading"><h2 class="sheet-title">List {{ number }}</h2></div></header>
<div class="sheet-body">{% set lines = lists[number] %}"""
    + LIST
    + """</div></section>{% endfor %}</div></div>{% endblock %}"""
)


def lines(number: int) -> list[dict[str, str]]:
    """What a list shows."""
    return [
        {"name": f"Person {number} {line}", "detail": f"Waits since {line} minutes"} for line in range(LINES)
    ]


def spent(path: str) -> float:
    """Microseconds of a request."""
    from core.app import create_app
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for

    module = ModuleType("benchmarks.made_up")
    sys.modules["benchmarks.made_up"] = module
    for plugin in (*(_plugin(number) for number in range(PLUGINS)), _page_plugin()):
        setattr(module, plugin.name, plugin)
    names = [name for name in vars(module) if name.startswith("x_")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            paths = tuple(f"benchmarks.made_up:{one}" for one in names)
            app = create_app(
                settings_for(
                    url,
                    folder,
                    async_mode="threading",
                    rate_limits=False,
                    strict_hooks=False,
                    plugin_paths=paths,
                )
            )
            made = DictLoader({"bench/list.html": LIST, "bench/page.html": PAGE})
            app.jinja_env.loader = ChoiceLoader([made, app.jinja_env.loader])  # type: ignore[list-item]
            visitor = house.Visitor(app, app.test_client())
            visitor.sign_in("amira")
            answer = visitor.get(path)
            assert answer.status_code == 200, answer.status
            assert answer.text.count("Person ") == PANELS * LINES
            return cpu_of_calls(_request(app.wsgi_app, path, _cookies(visitor.client)), CALLS) * 1e6


def _view(number: int, _ctx: Any) -> str:
    from core.web.pages import render

    return render("bench/list.html", lines=lines(number))


def _plugin(number: int) -> Any:
    """Two panels of Today."""
    from core.plugin_system import Panel, hookimpl
    from tests.support.plugins import make

    hooks = ModuleType("hooks")
    per = PANELS // PLUGINS

    def today_panels(ctx: Any) -> list[Any]:
        return [
            Panel(
                "today.main",
                f"list{place}",
                f"List {number * per + place}",
                partial(_view, number * per + place),
                "core.work",
                [f"x_{number}.list"],
            )
            for place in range(per)
        ]

    hooks.today_panels = hookimpl(today_panels)  # type: ignore[attr-defined]
    return make(f"x_{number}", hooks=hooks, default_on=True)


def _page_plugin() -> Any:
    """The same page as one template, in a route."""
    from flask import g

    from core import db, i18n
    from core.web.pages import render
    from core.web.routes import StaffRoutes
    from tests.support.plugins import make

    routes = StaffRoutes("x_page", __name__)

    @routes.get("/", permission="core.work")
    def index() -> str:
        assert g.user.first_name
        today = i18n.local(db.utcnow()).date()
        lists = [lines(number) for number in range(PANELS)]
        return render("bench/page.html", today=today, lists=lists, count=PANELS)

    return make("x_page", routes=(routes,), default_on=True)


def rows() -> Iterable[Row]:
    panels, page = side_by_side(
        partial(in_child, spent, "/p/riverside/"), partial(in_child, spent, "/p/riverside/x_page/")
    )
    note = f"{PANELS} panels of {PLUGINS} plugins"
    yield Row("Today made of panels", panels, "the same page as one template", page, "µs", 2.0, note)
