"""Two people at one form: whoever saves second is told that the first has changed it, and loses nothing typed.

A form carries the fingerprint of what was stored when it was shown, in a hidden field (templates/admin/conflict.html).
A form that is shown again with what is wrong in it keeps the one that it came with; after a conflict it has the new
one. A button alone (a switch, "back to the usual") carries it, too: pressed too late, it does nothing and says why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import flash

from core import db, tenancy
from core.i18n import _

FIELD: Final = "seen"


def fingerprint(stored: object) -> str:
    """A short text that is another one when what is stored is another. ``stored``: anything that JSON can hold."""
    said = json.dumps(stored, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def seen(stored: object, typed: Mapping[str, Any] | None = None) -> str:
    """What the form carries. typed: what was sent, when it is shown again because something in it is wrong."""
    return str((typed or {}).get(FIELD) or "") or fingerprint(stored)


def is_stale(form: Mapping[str, Any], stored: Callable[[], object]) -> bool:
    """Has somebody stored something else since this form was shown? A form without a fingerprint is taken as it is.

    Holds the practice's row until the transaction ends, and has everything read anew: of two who save at the same
    moment, the second sees what the first has stored. So call it before anything is read that is to be changed.
    """
    tenancy.held()
    db.session().expire_all()
    said = form.get(FIELD)
    return bool(said) and said != fingerprint(stored())


def tell() -> None:
    """Say on the next page that a button did nothing, since what it was beside is no longer there."""
    words = _("Somebody else has changed this meanwhile. Look at what they chose, then choose again.")
    flash(words, "warning")
