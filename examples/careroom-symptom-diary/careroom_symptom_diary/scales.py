"""What a patient can be asked for each day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from core.sdk import LazyString, _l

_NUMBER: Final = re.compile(r"[0-9]{1,3}([.,][0-9]{1,2})?")


class BadValue(ValueError):
    """What was entered is no value of the scale."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A number to be given each day, from ``low`` to ``high``.

    question, low_words, high_words: as the patient reads them. threshold: the value at which the practice is told,
    unless it chooses another. choices: shown as one big button for each value.
    """

    name: str
    title: LazyString
    question: LazyString
    low: Decimal
    high: Decimal
    threshold: Decimal
    low_words: LazyString | None = None
    high_words: LazyString | None = None
    unit: str = ""
    places: int = 0
    help: LazyString | None = None

    @property
    def choices(self) -> list[int]:
        """The values as buttons, for scales of whole numbers."""
        return [] if self.places else list(range(int(self.low), int(self.high) + 1))

    def parse(self, text: str) -> Decimal:
        """The value that somebody wrote; a comma is as good as a point. Raises BadValue."""
        text = text.strip().replace("°", "").replace("C", "").replace("c", "").strip()
        if not _NUMBER.fullmatch(text):
            raise BadValue(text)
        try:
            value = Decimal(text.replace(",", "."))
        except InvalidOperation as error:
            raise BadValue(text) from error
        if not self.low <= value <= self.high or value != round(value, self.places):
            raise BadValue(text)
        return round(value, self.places)


PAIN: Final = Scale(
    name="pain",
    title=_l("Pain"),
    question=_l("How strong is your pain today, at its worst?"),
    low=Decimal(0),
    high=Decimal(10),
    threshold=Decimal(7),
    low_words=_l("0: no pain"),
    high_words=_l("10: the worst you can think of"),
)
BREATH: Final = Scale(
    name="breath",
    title=_l("Breathlessness"),
    question=_l("How short of breath are you today?"),
    low=Decimal(0),
    high=Decimal(10),
    threshold=Decimal(5),
    low_words=_l("0: not at all"),
    high_words=_l("10: I can hardly breathe"),
)
TEMPERATURE: Final = Scale(
    name="temperature",
    title=_l("Temperature"),
    question=_l("What is your temperature today?"),
    low=Decimal(34),
    high=Decimal(43),
    threshold=Decimal("38.5"),
    unit="°C",
    places=1,
    help=_l("In degrees Celsius, for example 37.2"),
)

SCALES: Final = {scale.name: scale for scale in (PAIN, BREATH, TEMPERATURE)}
NOTE: Final = "note"
"""Not a number: room for the patient's own words."""
