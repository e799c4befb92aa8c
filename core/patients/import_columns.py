"""Which column of an uploaded table is which detail: by its header, in English, French or the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.i18n import _
from core.patients import csv_reading, details, names
from core.patients.csv_reading import NotATable

_HEADERS: Final = {
    "given_names": (
        "given names", "given name", "first name", "first names", "forename", "forenames", "christian name",
        "prenom", "prenoms", "given", "first name s", "prenom s",
    ),
    "family_name": (
        "family name", "surname", "last name", "lastname", "nom", "nom de famille", "nom de naissance", "nom usuel",
        "nom d usage", "nom dusage", "family",
    ),
    "birth_date": (
        "date of birth", "birth date", "birthdate", "dob", "d o b", "born", "date de naissance", "naissance", "ddn",
        "ne le", "ne e le", "nee le",
    ),
    "sex": ("sex", "gender", "sexe", "genre"),
    "email": (
        "email", "e mail", "email address", "e mail address", "mail", "courriel", "adresse e mail", "adresse email",
        "adresse mail", "adresse electronique",
    ),
    "mobile": (
        "mobile", "mobile phone", "mobile number", "mobile telephone", "cell", "cell phone", "cellphone", "portable",
        "telephone portable", "telephone mobile", "tel portable", "tel mobile", "gsm", "mobile no",
    ),
    "phone": (
        "phone", "telephone", "tel", "home phone", "landline", "phone number", "home telephone", "other phone", "fixe",
        "telephone fixe", "tel fixe", "telephone number", "autre telephone", "phone no",
    ),
    "language": ("language", "preferred language", "langue", "langue preferee"),
    "nhs_number": ("nhs number", "nhs no", "nhs", "nhsnumber", "numero nhs"),
    "ins": (
        "ins", "matricule ins", "numero ins", "nir", "numero de securite sociale", "n de securite sociale", "nss",
        "ins number",
    ),
    "local_id": (
        "local id", "patient id", "id", "record number", "patient number", "local number", "hospital number",
        "emis number",
        "identifiant", "numero de dossier", "n dossier", "no dossier", "dossier", "numero patient", "id patient", "mrn",
    ),
}  # fmt: skip
_FIELD_OF: Final = {
    header: name for name, headers in _HEADERS.items() for header in (*headers, name.replace("_", " "))
}


@dataclass(frozen=True, slots=True)
class Layout:
    """delimiter: of the file. header: as written. fields: per column the detail it holds, None when it is left out."""

    delimiter: str
    header: list[str]
    fields: list[str | None]

    def header_of(self, field: str) -> str:
        """The column's name as the file has it, for messages."""
        return self.header[self.fields.index(field)] if field in self.fields else field


def find(text: str) -> Layout:
    """The layout under which most columns are understood. Raises NotATable when a needed column is missing."""
    best: Layout | None = None
    for delimiter in csv_reading.DELIMITERS:
        record = next(csv_reading.records(text, delimiter), None)
        if record is None:
            continue
        layout = Layout(delimiter, record.cells, _fields(record.cells))
        if best is None or _known(layout) > _known(best):
            best = layout
    if best is None or _known(best) == 0:
        raise NotATable(
            _(
                "The first row must name the columns, for example: first name, family name, date of birth, mobile."
            )
        )
    missing = [str(title(field)) for field in details.REQUIRED if field not in best.fields]
    if missing:
        raise NotATable(
            _(
                "The file has no column for: %(columns)s. Add it and choose the file again.",
                columns=", ".join(missing),
            )
        )
    return best


def title(field: str) -> str:
    """What a detail is called on pages."""
    return {
        "given_names": _("First names"),
        "family_name": _("Family name"),
        "birth_date": _("Date of birth"),
        "sex": _("Sex"),
        "email": _("E-mail"),
        "mobile": _("Mobile phone"),
        "phone": _("Other phone"),
        "language": _("Language"),
        "nhs_number": _("NHS number"),
        "ins": _("INS number"),
        "local_id": _("Record number"),
    }[field]


def _fields(header: Sequence[str]) -> list[str | None]:
    found: list[str | None] = []
    own = {_plain(title(field)): field for field in details.FIELDS}
    for name in header:
        field = _FIELD_OF.get(_plain(name)) or own.get(_plain(name))
        # Of two columns for one detail the first counts: the second may hold anything.
        found.append(field if field not in found else None)
    return found


def _plain(header: str) -> str:
    return names.normalise(header.replace("'", " ").replace("’", " "))


def _known(layout: Layout) -> int:
    return sum(field is not None for field in layout.fields)
