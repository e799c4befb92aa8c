"""What the pages of both trails share: core.web.audit_trail, of a practice, and core.admin.operator_trail."""

from __future__ import annotations

from typing import Final

from flask import flash

from core.audit import VerifyResult
from core.i18n import ngettext

PAGE: Final = 50


def say_checked(result: VerifyResult, broken: str) -> None:
    """Say whether the chain is whole. broken: the sentence for one that is not."""
    if not result.intact:
        flash(broken, "danger")
        return
    words = ngettext(
        "The trail is whole: %(num)d entry was checked.",
        "The trail is whole: %(num)d entries were checked.",
        result.entries,
    )
    flash(words, "success")
