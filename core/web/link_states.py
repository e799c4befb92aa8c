"""What a patient reads when a link cannot be followed, and the status it is answered with."""

from __future__ import annotations

from core.i18n import _
from core.tenancy import Practice

_STATUS = {
    "expired": 410,
    "cancelled": 410,
    "used": 410,
    "locked": 403,
    "again": 403,
    "off": 404,
    "suspended": 503,
    "unknown": 404,
    "busy": 429,
}


def status_of(state: str) -> int:
    """The HTTP status for a state."""
    return _STATUS.get(state, 404)


def words(state: str, practice: Practice | None) -> tuple[str, str]:
    """Title and text, translated. Without a practice they name none."""
    name = practice.name if practice is not None else _("your practice")
    texts = {
        "expired": (
            _("This link has expired"),
            _("Links work for some days only. Please ask %(practice)s to send you a new one.", practice=name),
        ),
        "cancelled": (
            _("This link is no longer needed"),
            _(
                "%(practice)s has withdrawn it. If you got a newer message, please use the link in that one.",
                practice=name,
            ),
        ),
        "locked": (
            _("This link is locked"),
            _(
                "The date of birth was entered several times and did not match. Please contact %(practice)s: they can "
                "unlock the link or send you a new one.",
                practice=name,
            ),
        ),
        "used": (
            _("This is done already"),
            _(
                "Thank you. %(practice)s has received what you sent, and there is nothing more to do.",
                practice=name,
            ),
        ),
        "off": (
            _("This is not available at the moment"),
            _(
                "%(practice)s is not offering this at present. Please contact them another way.",
                practice=name,
            ),
        ),
        "suspended": (
            _("This is not available at the moment"),
            _(
                "%(practice)s cannot be reached this way for now. Please telephone them; nothing you sent is lost.",
                practice=name,
            ),
        ),
        "again": (
            _("Please open your link again"),
            _(
                "To protect your data this page closes after a while. Open the link in the message from %(practice)s "
                "once more and enter the date of birth.",
                practice=name,
            ),
        ),
        "busy": (
            _("Please wait a little"),
            _("There were too many attempts from your network. Please try again in ten minutes."),
        ),
    }
    unknown = (
        _("This link does not work"),
        _("Please open the whole link in the message again, or ask your practice to send you a new one."),
    )
    return texts.get(state, unknown)
