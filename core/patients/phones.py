"""Phone numbers: kept as E.164, read and shown the way the practice's country writes them."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from core.i18n import _
from core.patients.errors import InvalidPhone

_TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER}
_LONGEST_INPUT = 40
_DOES_NOT_EXIST = -1

# Ofcom and Arcep set these aside for drama and demonstration. The metadata calls some of them unassigned; a demo and
# a test can use nothing else without ringing a stranger.
_DRAMA_MOBILE = re.compile(r"\+447700900\d{3}|\+3363998\d{4}")
_DRAMA_LANDLINE = re.compile(r"\+441632960\d{3}|\+442079460\d{3}|\+33(?:19900|26191|35301|46571|53649)\d{4}")


def parse_phone(text: str, country: str) -> str:
    """The number as E.164. `country`: where it is dialled from when it has no +, "GB" or "FR". Raises InvalidPhone."""
    example = _example(country)
    if len(text) > _LONGEST_INPUT or any(char.isalpha() for char in text):
        raise InvalidPhone(_message(NumberParseException.NOT_A_NUMBER, example))
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        raise InvalidPhone(_message(error.error_type, example)) from None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if (
        phonenumbers.is_valid_number(number)
        or _DRAMA_MOBILE.fullmatch(e164)
        or _DRAMA_LANDLINE.fullmatch(e164)
    ):
        return e164
    raise InvalidPhone(_message(_length_fault(number), example))


def parse_mobile(text: str, country: str) -> str:
    """Like parse_phone, and refuses a number that is known not to receive texts."""
    e164 = parse_phone(text, country)
    if _DRAMA_MOBILE.fullmatch(e164):
        return e164
    if phonenumbers.number_type(phonenumbers.parse(e164)) not in _TEXTABLE:
        raise InvalidPhone(
            _(
                "This number cannot receive texts. Enter a mobile number, or put this one under the other phone."
            )
        )
    return e164


def national(e164: str, country: str) -> str:
    """For people: "07700 900123" at home, "+33 6 39 98 01 23" abroad. Anything unreadable comes back as it is."""
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    at_home = phonenumbers.country_code_for_region(country) == number.country_code
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def search_prefixes(text: str, country: str) -> list[str]:
    """The digits of E.164 (without +) that a number, typed whole or in part, may begin with; [] when it is none."""
    digits = "".join(char for char in text if char.isdecimal())
    if len(digits) < 3:
        return []
    digits = "".join(str(int(char)) for char in digits)
    stripped = text.strip()
    if stripped.startswith("+") or digits.startswith("00"):
        international = digits.removeprefix("00")
        code = str(phonenumbers.country_code_for_region(country))
        # "+44 (0)7700" is how many people write it
        if international.startswith(f"{code}0"):
            return [code + international[len(code) + 1 :]]
        return [international]
    if digits.startswith("0"):
        return [f"{phonenumbers.country_code_for_region(country)}{digits[1:]}"]
    return [digits]


def _length_fault(number: PhoneNumber) -> int:
    reason = phonenumbers.is_possible_number_with_reason(number)
    # "Local only": without the area code, which nobody can dial from here.
    if reason in (
        phonenumbers.ValidationResult.TOO_SHORT,
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY,
    ):
        return NumberParseException.TOO_SHORT_NSN
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return NumberParseException.TOO_LONG
    return _DOES_NOT_EXIST


def _message(fault: int, example: str) -> str:
    if fault in (NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD):
        return _("This phone number is too short. Enter all of it, for example %(example)s.", example=example)
    if fault == NumberParseException.TOO_LONG:
        return _("This phone number is too long. Check it, for example %(example)s.", example=example)
    if fault == NumberParseException.INVALID_COUNTRY_CODE:
        return _("The country code of this phone number does not exist. Check it, for example +44 or +33.")
    if fault == NumberParseException.NOT_A_NUMBER:
        return _(
            "This is not a phone number. Enter it with digits, for example %(example)s.", example=example
        )
    return _("This phone number does not exist. Check it, for example %(example)s.", example=example)


def _example(country: str) -> str:
    return {"GB": "07700 900123", "FR": "06 39 98 01 23"}.get(country, "+44 7700 900123")
