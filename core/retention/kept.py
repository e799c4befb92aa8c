"""What the core keeps for as long as there is the practice, and why: said beside the kinds that have a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.i18n import LazyString, _l


@dataclass(frozen=True, slots=True)
class Kept:
    """Data without a time to stay. law: what a country's rules say about it, in plain words, by its code."""

    title: LazyString
    description: LazyString
    law: Mapping[str, LazyString] = field(default_factory=dict)


KEPT: Final = (
    Kept(
        _l("Patients’ records"),
        _l(
            "Of former patients, too, with alerts that were resolved: what was known at the time is part of the "
            "record. A record goes when you erase it under “Patients’ data”, and only then."
        ),
        {
            "GB": _l(
                "The NHS Records Management Code of Practice asks you to keep a GP’s record until ten years after the "
                "patient’s death."
            ),
            "FR": _l(
                "In France a record is kept for twenty years after the last consultation, and at least until the "
                "patient’s 28th birthday: article R. 1112-7 of the Public Health Code, which the Order of Physicians "
                "recommends to practices as well."
            ),
        },
    ),
    Kept(
        _l("Links that ran out"),
        _l(
            "For whom each was made and until when; its address is kept nowhere. They go with the patient’s record. "
            "Those that were used or called off have a time of their own, above."
        ),
    ),
    Kept(
        _l("Emergency access to restricted records"),
        _l(
            "Who opened which record, when and why, and who looked at it afterwards. It goes with the patient’s "
            "record; the audit trail still says that it happened."
        ),
        {
            "GB": _l("You answer for who saw what: article 5(2) of the UK GDPR."),
            "FR": _l("You answer for who saw what: article 5(2) of the GDPR."),
        },
    ),
    Kept(
        _l("Audit trail"),
        _l(
            "Who saw or changed what. Each entry seals the one before, so none can be taken out without the trail "
            "showing it."
        ),
        {
            "GB": _l(
                "It is your evidence that records were opened by those alone who may: articles 5(2) and 32 of the UK "
                "GDPR."
            ),
            "FR": _l(
                "It is your evidence that records were opened by those alone who may: articles 5(2) and 32 of the "
                "GDPR. The CNIL asks you to write down why you keep such a trail for longer than a year."
            ),
        },
    ),
)
