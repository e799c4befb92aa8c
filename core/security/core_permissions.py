"""The permissions of the core's own pages, and which starting roles have them."""

from __future__ import annotations

from typing import Final

from core.i18n import _l
from core.plugin_system import Permission
from core.tenancy import CLINICIAN, OPERATOR, PRACTICE_ADMIN, RECEPTIONIST

_EVERYBODY: Final = (CLINICIAN, RECEPTIONIST, PRACTICE_ADMIN)

CORE_PERMISSIONS: Final = (
    Permission("core.work", _l("Sign in to the practice and see what waits"), roles=_EVERYBODY),
    Permission(
        "core.view_patients", _l("Find patients and open their record"), roles=(CLINICIAN, RECEPTIONIST)
    ),
    Permission(
        "core.edit_patients", _l("Add patients and change their details"), roles=(CLINICIAN, RECEPTIONIST)
    ),
    Permission("core.import_patients", _l("Import patients from a file"), roles=(PRACTICE_ADMIN,)),
    Permission(
        "core.manage_plugins",
        _l("Switch plugins on and off and change their settings"),
        roles=(PRACTICE_ADMIN,),
    ),
    Permission(
        "core.manage_messages",
        _l("See which messages did not arrive, send them again, and set the rules for messages"),
        roles=(PRACTICE_ADMIN,),
    ),
    Permission(
        "core.manage_practice",
        _l("Change the practice's profile, its links and how long data is kept"),
        roles=(PRACTICE_ADMIN,),
    ),
    Permission(
        "core.export_patients", _l("Export all that is held about a patient"), roles=(PRACTICE_ADMIN,)
    ),
    Permission(
        "core.export_practice", _l("Export everything that the practice has here"), roles=(PRACTICE_ADMIN,)
    ),
    Permission("core.erase_patients", _l("Erase a patient's data for good"), roles=(PRACTICE_ADMIN,)),
    Permission(
        "core.manage_staff",
        _l("Invite staff, remove them, and decide who may do what"),
        roles=(PRACTICE_ADMIN,),
    ),
    Permission("core.view_restricted", _l("Open restricted records without giving a reason")),
    Permission(
        "core.restrict_patients", _l("Restrict a patient's record"), roles=(CLINICIAN, PRACTICE_ADMIN)
    ),
    Permission(
        "core.emergency_access", _l("Open a record outside one's role in an emergency"), roles=_EVERYBODY
    ),
    Permission("core.oversee", _l("Look at what was opened in an emergency"), roles=(PRACTICE_ADMIN,)),
    Permission("core.manage_sign_in", _l("Set how people sign in here"), roles=(PRACTICE_ADMIN,)),
    Permission("core.view_audit", _l("Read the audit trail"), roles=(PRACTICE_ADMIN,)),
    Permission("core.operate", _l("Look after the platform"), roles=(OPERATOR,)),
)
