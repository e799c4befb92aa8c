"""What can go wrong with a patient's details. Every message is a translated sentence that says what to do."""

from collections.abc import Mapping
from uuid import UUID

from core.errors import Refused
from core.i18n import _


class PatientError(Refused):
    """The base of all errors of this room."""


class PatientNotFound(PatientError, LookupError):
    """No such patient in the current practice: answered as 404, whoever else may hold that id."""

    def __init__(self) -> None:
        # No words of its own: another practice's patient and nobody at all must look the same.
        super().__init__("", "not_found", status=404)


class InvalidValue(PatientError, ValueError):
    """One value that cannot be taken. `message` is for the person who typed it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "invalid", status=422)


class InvalidName(InvalidValue):
    pass


class InvalidBirthDate(InvalidValue):
    pass


class InvalidPhone(InvalidValue):
    pass


class InvalidEmail(InvalidValue):
    pass


class InvalidNhsNumber(InvalidValue):
    pass


class InvalidIns(InvalidValue):
    pass


class InvalidDetails(PatientError, ValueError):
    """Several values at once. `problems` maps the field's name to its message."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()), "invalid", status=422)
        self.problems = dict(problems)


class IdentifierTaken(InvalidDetails):
    """Another patient of the practice already holds this identifier."""

    def __init__(self, field: str, message: str, patient_id: UUID) -> None:
        super().__init__({field: message})
        self.field = field
        self.patient_id = patient_id


class EditConflict(PatientError):
    """Somebody else saved the record after this person opened it."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Somebody else changed this record while you had it open. Open it again and make your change once more."
            ),
            "conflict",
        )
