"""What is written to a person about their own sign-in: which practice writes, in which language, to which address."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.security.sqla.models import User

from core import db, i18n, tenancy
from core.i18n import LazyString, _l
from core.notifications import Notification, Template, platform_mail, staff
from core.security.models import Account

PASSWORD_CHANGED = _l("Your password was changed")
CODES_ADDED = _l("Sign-in by code was switched on")
CODES_REMOVED = _l("Sign-in by code was switched off")
RECOVERY_CODES = _l("New recovery codes were made")
PASSKEY_ADDED = _l("A passkey was added")
PASSKEY_REMOVED = _l("A passkey was removed")
IDENTITY_LINKED = _l("Your account was linked to your practice's sign-in")
IDENTITY_UNLINKED = _l("Your account is no longer linked to your practice's sign-in")


class _Now:
    """This moment, said in the language and the zone of whoever is written to."""

    def __init__(self) -> None:
        self.at = db.utcnow()

    def __str__(self) -> str:
        return i18n.format_datetime(self.at)


def write(user_id: int, template: Template, **variables: Any) -> Notification | None:
    """Write to a user, in the current writing scope.

    A practice writes: the scope's, when they work in it, else their first one, which the scope then enters. To whoever
    works nowhere (an operator) the platform writes; then, and when nothing can be written, the answer is None.
    """
    session = db.session()
    user = session.get(User, user_id)
    if user is None or not user.email:
        return None
    if not db.has_practice():
        practices = tenancy.practices_of(user_id)
        if practices:
            db.enter_practice(practices[0].id)
    account = session.get(Account, user_id)
    language = account.language if account is not None else None
    values = {"name": user.get_full_name(), **variables}
    if "when" in template.variables:
        values.setdefault("when", _Now())
    if not db.has_practice():
        platform_mail.write(user.email, template, values, language=language)
        return None
    return staff.write_to(user.email, template, values, language=language)


def tell_change(user_id: int, what: LazyString) -> None:
    """Tell a person that something about their sign-in was changed."""
    write(user_id, staff.SIGN_IN_CHANGED, what=what)
