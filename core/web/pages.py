"""Making pages: rendering, and the topics that a page listens to."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from markupsafe import Markup
from werkzeug.exceptions import NotFound

__all__ = ["NotFound", "live", "live_topics", "render"]


def render(template: str, **values: Any) -> Markup:
    """A page or fragment from a template; plugins keep theirs in ``templates/<plugin>/``.

    Marked as HTML, so that a panel can hand it on and what is not marked is escaped.
    """
    return Markup(render_template(template, **values))  # noqa: S704  # the template has escaped what it shows


def live(*topics: str) -> None:
    """Let the page that is being made hear these topics. Only those are in the ticket that it is handed."""
    g.setdefault("live_topics", {}).update(dict.fromkeys(topics))


def live_topics() -> list[str]:
    """What the current page asked to hear, in the order asked."""
    return list(g.get("live_topics", {}))
