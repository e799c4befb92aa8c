"""The matricule of the French Identité Nationale de Santé: 13 characters and a key of two digits."""

from stdnum.exceptions import ValidationError
from stdnum.fr import nir

from core.i18n import _
from core.patients.errors import InvalidIns

_GROUPS = (1, 2, 2, 2, 3, 3, 2)


def parse(text: str) -> str:
    """The 15 characters, capital letters for Corsica (2A, 2B). Raises InvalidIns."""
    matricule = "".join(char for char in text.upper() if not char.isspace() and char not in "-._")
    if len(matricule) != 15 or not matricule.isascii() or not matricule.isalnum():
        raise InvalidIns(
            _("An INS number has 15 characters: 13 and the key of 2 digits. Check what you entered.")
        )
    try:
        nir.validate(matricule)
    except (ValidationError, ValueError):
        raise InvalidIns(
            _("This INS number does not fit its key. Compare it with the patient's Carte Vitale.")
        ) from None
    return matricule


def formatted(matricule: str) -> str:
    """In the groups of the Carte Vitale: "1 80 03 75 116 001 23"."""
    groups, at = [], 0
    for size in _GROUPS:
        groups.append(matricule[at : at + size])
        at += size
    return " ".join(group for group in groups if group)
