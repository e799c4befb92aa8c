"""What the codes of sign-in, staff and emergency access on the audit trail mean, in words."""

from __future__ import annotations

from core import audit
from core.i18n import _l

audit.describe(
    {
        "emergency.opened": _l("Record opened in an emergency"),
        "emergency.reviewed": _l("Emergency access looked at"),
        "identity.linked": _l("Account linked to the practice’s sign-in"),
        "identity.unlinked": _l("Account no longer linked to the practice’s sign-in"),
        "identity_provider.changed": _l("Provider for sign-ins changed"),
        "identity_provider.removed": _l("Provider for sign-ins removed"),
        "patient.restricted": _l("Record restricted"),
        "patient.unrestricted": _l("Restriction of a record lifted"),
        "sign_in.rules_changed": _l("Rules for sign-ins changed"),
        "staff.invitation_withdrawn": _l("Invitation withdrawn"),
        "staff.invited": _l("Colleague invited"),
        "staff.invited_again": _l("Invitation sent again"),
        "staff.joined": _l("Invitation accepted"),
    }
)
# An account belongs to no practice: whoever signs in may work in several, or in none.
audit.describe(
    {
        "account.renamed": _l("Own name changed"),
        "password.changed": _l("Password changed"),
        "password.reset_asked": _l("Link for a new password asked for"),
        "second_factor.added": _l("Second factor added"),
        "second_factor.codes_renewed": _l("New recovery codes made"),
        "second_factor.removed": _l("Second factor removed"),
        "session.ended": _l("Other devices signed out"),
        "session.locked": _l("Locked"),
        "session.signed_out": _l("Signed out"),
        "session.unlocked": _l("Unlocked"),
        "sign_in.failed": _l("Sign-in failed"),
        "sign_in.password_right": _l("Password right, second step asked for"),
        "sign_in.paused": _l("Sign-in paused after wrong passwords"),
        "sign_in.succeeded": _l("Signed in"),
    },
    on="platform",
)
