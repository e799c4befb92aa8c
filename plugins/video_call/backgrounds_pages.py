"""The pictures that clinicians can put behind themselves: the practice's page of them, and the pictures themselves."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final
from uuid import UUID

from core.sdk import (
    _,
    abort,
    file_response,
    files,
    flash,
    live,
    make_response,
    own_scope,
    redirect,
    request,
    tenancy,
    topic,
    url_for,
)
from plugins.video_call import backgrounds
from plugins.video_call.errors import BackgroundRefused
from plugins.video_call.pages import page
from plugins.video_call.steps import CONDUCT, routes

__all__ = ["routes"]

LOOK: Final = "video_call.look"


@routes.get("/backgrounds", permission=LOOK, endpoint="backgrounds")
def show() -> Any:
    """The pictures of the practice, and a form for another."""
    if "fragment" in request.args:
        return page("backgrounds_list.html", **_list())
    return _page()


@routes.post("/backgrounds", permission=LOOK, scope="none")
def add_background() -> Any:
    """Take a picture; the worker makes a clean one of it."""
    typed = request.form.get("name", "")
    try:
        name = backgrounds.check_name(typed)
        sent = request.files.get("picture")
        if sent is None or not sent.filename:
            raise BackgroundRefused(_("Choose a picture first."))
        with own_scope(write=False):
            practice_id = tenancy.current().id
        with closing(sent):
            staged = backgrounds.stage(sent.stream, sent.filename, practice_id=practice_id)
        _keep(staged, name)
    except BackgroundRefused as refused:
        with own_scope(write=False):
            return make_response(_page(typed, refused), refused.status)
    flash(_("The picture has arrived and is being prepared."), "success")
    return redirect(url_for("video_call.backgrounds"), 303)


@routes.post("/backgrounds/<uuid:background_id>/remove", permission=LOOK)
def remove_background(background_id: UUID) -> Any:
    """Take a picture away."""
    backgrounds.remove(_find(background_id))
    flash(_("The picture is removed."), "success")
    return redirect(url_for("video_call.backgrounds"), 303)


@routes.get("/backgrounds/<uuid:background_id>/preview.jpg", permission=LOOK)
def background_preview(background_id: UUID) -> Any:
    """A picture, small, for whoever looks after them."""
    return _picture(background_id, "thumb")


@routes.get("/backgrounds/<uuid:background_id>/<any(thumb, large):size>.jpg", permission=CONDUCT)
def background_picture(background_id: UUID, size: str) -> Any:
    """A picture, for the call."""
    return _picture(background_id, size)


def _picture(background_id: UUID, size: str) -> Any:
    response = file_response(files.get(_find(background_id).file_id), size)
    # It is no patient's and never changes: a browser of the practice may keep it, a cache between us may not.
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _keep(staged: files.Staged, name: str) -> None:
    try:
        with own_scope():
            backgrounds.add(staged, name)
    except BackgroundRefused:
        files.discard(staged)
        raise


def _find(background_id: UUID) -> Any:
    found = backgrounds.get(background_id)
    if found is None:
        abort(404)
    return found


def _page(typed: str = "", refused: BackgroundRefused | None = None) -> Any:
    errors = {refused.field: refused.message} if refused else {}
    return page(
        "backgrounds.html",
        typed=typed,
        errors=errors,
        most=backgrounds.MOST,
        most_megabytes=backgrounds.MAX_BYTES // (1024 * 1024),
        max_name=backgrounds.MAX_NAME,
        **_list(),
    )


def _list() -> dict[str, Any]:
    told = topic(backgrounds.SUBJECT)
    live(told)
    return {"shown": backgrounds.listed(), "topic": told}
