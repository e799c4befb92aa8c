"""/dev/ui: every part of the two shells on a page, for people, screenshots and tests. Open house only.

Its words are samples and are not translated; those of the parts themselves are.
"""

from __future__ import annotations

from datetime import timedelta

from flask import abort, request

from core import db, i18n
from core.web.pages import render
from core.web.routes import CoreRoutes

routes = CoreRoutes("style_page", __name__, prefix="/dev/ui")
_PAGES = {"": "style_staff", "patient": "style_patient"}


@routes.get("", access="public", scope="none", defaults={"name": ""})
@routes.get("/<name>", access="public", scope="none")
def page(name: str) -> str:
    """The parts of staff pages, or (``/dev/ui/patient``) of patient pages; ``?language=ar-XB`` in that language."""
    if name not in _PAGES:
        abort(404)
    language = request.args.get("language", "")
    if language in i18n.offered_languages():
        i18n.set_language(language)
    return render(
        f"components/{_PAGES[name]}.html",
        sample_moment=db.utcnow() - timedelta(minutes=12),
        sample_page=lambda number: f"#{number}",
    )
