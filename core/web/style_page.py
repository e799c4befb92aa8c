"""/dev/ui: every part of the two shells on a page, for people, screenshots and tests. Open house only.

Its words are samples and are not translated; those of the parts themselves are.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

from flask import abort, request

from core import db, i18n
from core.tenancy import Practice
from core.web.pages import render
from core.web.rail import Entry, Section
from core.web.routes import CoreRoutes
from core.web.shell import Bell, BellItem, Person, PracticeEntry, Shell

routes = CoreRoutes("style_page", __name__, prefix="/dev/ui")
_PAGES = {"": "style_staff", "patient": "style_patient"}


class SampleShell(Shell):
    """Surroundings that need nobody signed in. Language and appearance are the reader's own."""

    practice = cast(
        Practice,
        SimpleNamespace(name="Riverside Surgery", slug="riverside", phone="+442079460018", country="GB"),
    )
    practices = [
        PracticeEntry("Riverside Surgery", "#riverside", True),
        PracticeEntry("Cabinet Lumière", "#lumiere", False),
    ]
    person = Person("Dr Hannah Reid", "HR", "Clinician")
    sign_out_url = "#sign-out"
    idle_minutes = 0
    search_url = "#search"
    home_url = "#today"
    navigation = [
        Entry("Today", "home", "#today", False),
        Entry("Patients", "users", "#patients", True),
        Entry("Photo requests", "camera", "#requests", False, 3),
    ]
    administration = [Section("practice", "Your practice", [Entry("Plugins", "puzzle", "#plugins", False)])]
    rail_url = None
    rail_topics: list[str] = []

    @property
    def bell(self) -> Bell:
        now = db.utcnow()
        items = [
            BellItem(
                "Amara Okafor sent 3 photos", "camera", "#photos", now - timedelta(minutes=4), False, None
            ),
            BellItem("A link was locked", "lock", "#link", now - timedelta(hours=5), True, None),
        ]
        return Bell(1, items, "#bell", "#read", "#seen")


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
        shell=SampleShell(),
        sample_moment=db.utcnow() - timedelta(minutes=12),
        sample_page=lambda number: f"#{number}",
    )
