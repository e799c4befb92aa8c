"""The NHS number: ten digits, the last a check digit (weights 10..2, modulo 11)."""

from stdnum.exceptions import ValidationError
from stdnum.gb import nhs

from core.i18n import _
from core.patients.errors import InvalidNhsNumber

# The first nine digits: what is issued in each country, and what is printed in examples. A correct check digit alone
# is not enough: 0000000000 and every other number of ten equal digits has one.
_ENGLAND_WALES_MAN = ((400_000_000, 499_999_999), (600_000_000, 799_999_999))
_NORTHERN_IRELAND = ((320_000_001, 399_999_999),)
_SPECIMEN = (
    (900_000_000, 999_999_999),
)  # 999 for tests; 943 476 5919 is on every form that explains the number


def parse(text: str) -> str:
    """The ten digits. Spaces and hyphens may be typed. Raises InvalidNhsNumber."""
    digits = "".join(char for char in text if not char.isspace() and char not in "-.\u2010\u2011\u2013")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) != 10:
        raise InvalidNhsNumber(
            _("An NHS number has 10 digits, for example 943 476 5919. Check what you entered.")
        )
    try:
        nhs.validate(digits)
    except ValidationError:
        raise InvalidNhsNumber(
            _("This NHS number has a wrong digit. Compare it with the patient's letter or app.")
        ) from None
    if not is_issued(digits):
        raise InvalidNhsNumber(
            _("No NHS number begins like this. Compare it with the patient's letter or app.")
        )
    return digits


def is_issued(digits: str) -> bool:
    """Whether the number lies in a range that is given out, or is meant for tests and examples."""
    if len(set(digits)) == 1:
        return False
    first_nine = int(digits[:9])
    ranges = (*_ENGLAND_WALES_MAN, *_NORTHERN_IRELAND, *_SPECIMEN)
    return any(low <= first_nine <= high for low, high in ranges) or _is_scottish(digits)


def is_test(digits: str) -> bool:
    """Numbers from 900 belong to nobody: they are for tests, training and examples."""
    return digits.startswith("9")


def formatted(digits: str) -> str:
    """In the 3-3-4 groups that the NHS prints and people read aloud."""
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}"


def _is_scottish(digits: str) -> bool:
    """A Community Health Index number begins with the date of birth, DDMMYY."""
    return 1 <= int(digits[:2]) <= 31 and 1 <= int(digits[2:4]) <= 12
