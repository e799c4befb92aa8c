"""A practice's logo: a picture like any other that a stranger sends, so it goes the way of photos.

Until the worker has made a clean picture of it, the logo of before stays. The profile names both: "logo" is shown,
"logo_waiting" is being prepared, "logo_refused" says why the last one was not taken.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from core import audit, db, files, tenancy
from core.files import File
from core.i18n import _l

OWNER: Final = "core"
MOST_BYTES: Final = 4 * 1024 * 1024

audit.describe({"practice.logo_changed": _l("Logo changed"), "practice.logo_removed": _l("Logo removed")})


def take(staged: files.Staged) -> File:
    """Keep a picture that was staged as the logo to come, in the current write scope."""
    file = files.keep(staged)
    tenancy.held()
    _forget_file("logo_waiting")
    _set(logo_waiting=str(file.id), logo_refused=None)
    audit.record("practice.logo_changed", subject=("core.file", file.id))
    return file


def remove() -> None:
    """Show no logo from now on."""
    tenancy.held()
    _forget_file("logo_waiting")
    _forget_file("logo")
    _set(logo=None, logo_waiting=None, logo_refused=None)
    audit.record("practice.logo_removed")


def settle(file: File) -> None:
    """The worker is done with a file: if it is the logo to come, show it from now on, or say why not."""
    if tenancy.current().profile.get("logo_waiting") != str(file.id):
        return  # asked first without holding the practice: most files are no logo
    if tenancy.held().profile.get("logo_waiting") != str(file.id):
        return
    if file.state == "ready":
        _forget_file("logo")
        _set(logo=str(file.id), logo_waiting=None, logo_refused=None)
    elif file.state == "rejected":
        _set(logo_waiting=None, logo_refused=file.reject_reason or "damaged")


def current_id(practice: tenancy.Practice) -> UUID | None:
    """The file of the logo that is shown."""
    return _id_of(practice.profile.get("logo"))


def file_of(file_id: UUID) -> File:
    """The file. Raises FileMissing."""
    return files.get(file_id)


def waiting_id(practice: tenancy.Practice) -> UUID | None:
    """The file of the logo that is being prepared."""
    return _id_of(practice.profile.get("logo_waiting"))


def _id_of(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _set(**values: str | None) -> None:
    practice = tenancy.held()
    kept = {**practice.profile, **values}
    practice.profile = {
        name: value for name, value in kept.items() if value is not None or name not in values
    }


def _forget_file(name: str) -> None:
    found = _id_of(tenancy.current().profile.get(name))
    if found is not None and db.get(File, found) is not None:
        files.delete(found)
