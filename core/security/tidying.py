"""What sign-in leaves behind goes by itself: old links, ended sessions, spent codes, browsers that nobody uses.

None of it opens anything any more; who signed in, and from where, stays on the trail.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, or_

from core import db
from core.jobs import Job
from core.notifications import platform_mail
from core.security.models import Invitation, KnownDevice, PasswordReset, RecoveryCode, SignInSession

RESETS_FOR: Final = timedelta(days=30)
SESSIONS_FOR: Final = timedelta(days=30)
CODES_FOR: Final = timedelta(days=30)
INVITATIONS_FOR: Final = timedelta(days=90)
DEVICES_FOR: Final = timedelta(days=400)
"""As long as the browser keeps the cookie."""


def tidy(_payload: dict[str, Any]) -> None:
    """Sweep core.sign_in_tidy. Each is kept for its time after it was over (a browser: after it was last used)."""
    now = db.utcnow()
    with db.scope(across_practices=True) as session:
        for model, which in (
            (PasswordReset, PasswordReset.expires_at < now - RESETS_FOR),
            (
                SignInSession,
                or_(
                    SignInSession.expires_at < now - SESSIONS_FOR, SignInSession.ended_at < now - SESSIONS_FOR
                ),
            ),
            (RecoveryCode, RecoveryCode.used_at < now - CODES_FOR),
            (KnownDevice, KnownDevice.seen_at < now - DEVICES_FOR),
            # Accepted and withdrawn ones, too: their week is over as well.
            (Invitation, Invitation.expires_at < now - INVITATIONS_FOR),
        ):
            session.execute(delete(model).where(which))
        platform_mail.forget_old()


JOBS: Final = (
    Job("core.sign_in_tidy", tidy, every=timedelta(days=1), across_practices=True),
    Job("core.platform_mail", platform_mail.sweep, every=platform_mail.EVERY, across_practices=True),
)
