"""Who somebody is and what they may do: sign-in, sessions, roles, permissions, rate limits."""

import core.security.trail_words  # noqa: F401 - says what is on the trail
from core.security import limits
from core.security.models import Account, SignInSession
from core.security.permissions import can, current_permissions, sync_permissions
from core.security.redirects import safe_next
from core.security.sessions import language_of, session_id, theme_of
from core.security.users import UserRefused, account_of, add_membership, create_user

__all__ = [
    "Account",
    "SignInSession",
    "UserRefused",
    "account_of",
    "add_membership",
    "can",
    "create_user",
    "current_permissions",
    "language_of",
    "limits",
    "safe_next",
    "session_id",
    "sync_permissions",
    "theme_of",
]
