"""What a bad plugin can do inside a hook or a view."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup
from sqlalchemy import func, select

from core import db
from core.plugin_system import Action, NavItem, Panel
from core.plugin_system.models import PracticePlugin

SCRIPT = "<script>window.stolen = true</script>"


def raises(_ctx: Any) -> Any:
    raise RuntimeError("Margaret Whitfield must not be in a log")


def exits(_ctx: Any) -> Any:
    sys.exit(3)


def recurses(ctx: Any) -> Any:
    return recurses(ctx)


def asks_nonsense(_ctx: Any) -> Any:
    return db.session().scalar(select(func.no_such_function(1)))


def swallows_a_failed_statement(_ctx: Any) -> Any:
    try:
        db.session().scalar(select(func.no_such_function(1)))
    except Exception:
        return "<p>fine</p>"


def leaves_rows(_ctx: Any) -> Any:
    db.session().add(PracticePlugin(name="x_debris"))
    return []


def answers_text(_ctx: Any) -> Any:
    return "a text"


def answers_a_dict(_ctx: Any) -> Any:
    return {"a": 1}


def answers_a_generator(_ctx: Any) -> Iterator[Any]:
    yield from ()


def answers_other_things(_ctx: Any) -> Any:
    return [object(), None]


def loops(_ctx: Any) -> Any:
    end = (
        time.thread_time() + 1.0
    )  # at work itself: on a busy machine a second passes by without anything done
    while time.thread_time() < end:
        pass
    return []


FAILING = (raises, exits, recurses, asks_nonsense)
WRONG = (answers_text, answers_a_dict, answers_a_generator, answers_other_things)


def panel(slot: str, view: Any, **fields: Any) -> Panel:
    """A panel that everybody at work may see."""
    chosen = {"name": "bad", "title": "Bad", "permission": "core.work", **fields}
    return Panel(slot, view=view, **chosen)


def emits_script(_ctx: Any) -> str:
    return SCRIPT


def emits_marked_script(_ctx: Any) -> str:
    return Markup(SCRIPT)


def a_script_in_every_title(_ctx: Any) -> Any:
    return [NavItem("x_script", SCRIPT, "puzzle", "/", "core.work")]


def a_button_that_runs_a_script(_ctx: Any) -> Any:
    return [Action("x_script", "Click", "puzzle", "javascript:alert(1)", "core.work")]
