"""Where the forms in a page's frame (the language, the bell, the lock) come back to.

Most often that is the page's own address. A page that answered a form may have none: its address takes forms only, or
answers a fragment. It comes back to the page of the form; or, where the form changes nothing, the frame's forms carry
what it sent, so that it is sent again.
"""

from __future__ import annotations

from typing import Any, Final

from flask import current_app, g, redirect, render_template, request

from core.security import safe_next
from core.web import csrf

_AGAIN: Final = "again"
_FIELD: Final = "again."
Fields = list[tuple[str, str]]


def to(url: str) -> None:
    """The page that is being made has no address of its own: it comes back to this one."""
    g.comes_back_to = url


def again() -> None:
    """The page that is being made answers a form that changed nothing: it may be sent again, for the same answer."""
    g.sent_again = True


def here() -> str:
    """An address that can be opened: this page's, or the nearest to it."""
    said: str | None = g.get("comes_back_to")
    if said is not None:
        return said
    is_part = "X-Panel" in request.headers
    if request.method == "GET" and not is_part:
        return request.full_path.rstrip("?")
    home = f"/p/{g.practice.slug}/" if g.get("practice") is not None else "/"
    near = (csrf.page_of_the_form(),) if is_part else (request.path, csrf.page_of_the_form())
    return next((url for url in near if _opens(url)), home)


def fields() -> Fields:
    """The hidden fields of a form that comes back to this page."""
    kept = csrf.typed() if g.get("sent_again") and request.method == "POST" else None
    again_there = [(_AGAIN, request.full_path.rstrip("?"))] if kept is not None else []
    return [("next", here()), *again_there, *((_FIELD + name, value) for name, value in kept or [])]


def answer() -> Any:
    """Back to the page that the form of this request is in."""
    there = safe_next(request.form.get(_AGAIN), "")
    if not there:
        return redirect(safe_next(request.form.get("next")), 303)
    kept: Fields = [
        (name.removeprefix(_FIELD), value)
        for name, value in request.form.items(multi=True)
        if name.startswith(_FIELD)
    ]
    return render_template("account/send_again.html", action=there, kept=kept)


def _opens(url: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    return url != "/" and adapter is not None and adapter.test(url.partition("?")[0], method="GET")
