"""What the command palette (Ctrl+K) finds on the server: patients, and what can be done for the likeliest one.

Pages and the actions of the record that is open are in the page already; js/palette.js filters those by itself.
"""

from __future__ import annotations

from typing import Final

from flask import g, request, url_for
from markupsafe import Markup

from core import patients
from core.web import emergency, panels, record
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="palette", prefix="/palette")

_MOST: Final = 7
_FEW: Final = 2
_SHORTEST: Final = 2


@routes.post("", permission="core.view_patients", scope="none")
def find() -> Markup:
    """Options for the list box. By POST: what is typed here is a name, and a URL ends up in logs and histories."""
    query = request.form.get("q", "").strip()
    with own_scope(write=False):
        found = patients.search(query, _MOST) if len(query) >= _SHORTEST else []
        # With one or two hits it is clear enough who is meant to offer the next step at once.
        likeliest = found[0] if 0 < len(found) <= _FEW and found[0].active else None
        if likeliest is not None and emergency.closed({likeliest.id}):
            likeliest = None  # nothing can be done for them before somebody has said why
        actions = panels.actions_for(panels.patient_context(likeliest)) if likeliest else []
        return render(
            "staff/palette_found.html",
            found=[(one, record.identity(one)) for one in found],
            likeliest=likeliest,
            actions=actions,
            may_add="core.edit_patients" in g.permissions and len(query) >= _SHORTEST and not found,
            add_url=url_for("patients.new"),
        )
