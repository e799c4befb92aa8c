"""What a plugin can do with a practice's data, in words that a practice can agree to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from core.i18n import LazyString, _l

Group = Literal["reads", "sends", "stores", "uses", "calls"]

GROUPS: Final[dict[Group, LazyString]] = {
    "reads": _l("Reads and changes"),
    "sends": _l("Sends"),
    "stores": _l("Stores"),
    "uses": _l("Uses"),
    "calls": _l("Sends data to other companies"),
}
"""The groups in the order in which a practice reads them."""

_HOST = re.compile(r"(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class Capability(StrEnum):
    """What a plugin can do with a practice's data. Shown to the practice admin before it is switched on."""

    READS_PATIENTS = "reads_patients"
    CHANGES_PATIENTS = "changes_patients"
    SENDS_SMS = "sends_sms"
    SENDS_EMAIL = "sends_email"
    STORES_FILES = "stores_files"
    STORES_HEALTH_DATA = "stores_health_data"
    USES_CAMERA = "uses_camera"
    TAKES_PAYMENTS = "takes_payments"

    @property
    def key(self) -> str:
        """The name that a practice's consent is stored under."""
        return self.value

    @property
    def group(self) -> Group:
        return _WORDS[self][0]

    @property
    def icon(self) -> str:
        """A Tabler icon's name."""
        return _WORDS[self][1]

    @property
    def label(self) -> LazyString:
        """The same in words."""
        return _WORDS[self][2]

    @property
    def detail(self) -> LazyString:
        """What that means for the practice, in a sentence."""
        return _WORDS[self][3]


_WORDS: Final[dict[Capability, tuple[Group, str, LazyString, LazyString]]] = {
    Capability.READS_PATIENTS: (
        "reads",
        "address-book",
        _l("Reads patients' names and contact data"),
        _l("Names, dates of birth, telephone numbers and e-mail addresses of your patients."),
    ),
    Capability.CHANGES_PATIENTS: (
        "reads",
        "user-edit",
        _l("Changes patients' details"),
        _l("It may add patients and correct what the record says of them."),
    ),
    Capability.SENDS_SMS: (
        "sends",
        "message",
        _l("Sends text messages"),
        _l("To patients, in your practice's name. Each text may cost money."),
    ),
    Capability.SENDS_EMAIL: (
        "sends",
        "mail",
        _l("Sends e-mails"),
        _l("To patients, in your practice's name."),
    ),
    Capability.STORES_FILES: (
        "stores",
        "photo",
        _l("Stores pictures or documents"),
        _l("Encrypted, with your practice's own key."),
    ),
    Capability.STORES_HEALTH_DATA: (
        "stores",
        "heartbeat",
        _l("Stores what patients say about their health"),
        _l("Answers, measurements or notes, kept in your practice's record."),
    ),
    Capability.USES_CAMERA: (
        "uses",
        "video",
        _l("Uses camera and microphone"),
        _l("Of patients and staff, after each person's browser has asked for it."),
    ),
    Capability.TAKES_PAYMENTS: (
        "uses",
        "credit-card",
        _l("Takes payments"),
        _l("It asks patients for money in your practice's name."),
    ),
}


@dataclass(frozen=True, slots=True)
class Calls:
    """The plugin talks to a host outside Careroom. Made with :func:`calls`."""

    host: str

    @property
    def key(self) -> str:
        return f"calls:{self.host}"

    @property
    def group(self) -> Group:
        return "calls"

    @property
    def icon(self) -> str:
        return "world"

    @property
    def label(self) -> LazyString:
        return _l("Talks to %(host)s", host=self.host)

    @property
    def detail(self) -> LazyString:
        return _l("Data leaves your system for a server of somebody else.")


AnyCapability = Capability | Calls


def calls(host: str) -> Calls:
    """The capability to call ``host`` ("api.stripe.com", "*.example.org"). Raises ValueError for anything else."""
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not the name of a host")
    return Calls(host)


def keys(asked: Iterable[AnyCapability]) -> frozenset[str]:
    """What a practice agrees to, as it is stored."""
    return frozenset(item.key for item in asked)


def in_words(stored: Iterable[str]) -> list[str]:
    """The labels of stored keys, sorted; one that this version does not know is shown as it is."""
    return sorted(_label(key) for key in stored)


def _label(key: str) -> str:
    kind, _colon, host = key.partition(":")
    if kind == "calls" and host:
        return str(Calls(host).label)
    return str(Capability(key).label) if key in set(Capability) else key
