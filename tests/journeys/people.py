"""Patients that one test alone meets, so that journeys can share a running Careroom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from core import db, demo, patients, tenancy
from core.security import create_user
from tests.support.running import Careroom

# Ranges that regulators keep for fiction, behind the demonstration's own numbers.
_MOBILES = {
    "riverside": (f"+447700900{n}" for n in count(200)),
    "lumiere": (f"+3363998{n:04}" for n in count(200)),
}
_FAMILY_NAMES = (
    f"{first}{second}"
    for first in (
        "Ash",
        "Brad",
        "Cald",
        "Dun",
        "Elm",
        "Fair",
        "Green",
        "Hart",
        "Lang",
        "Mil",
        "North",
        "Stan",
        "Wal",
        "Whit",
        "Win",
    )
    for second in ("bury", "combe", "ford", "ham", "ley", "more", "ton", "well", "wick", "worth")
)


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the test knows them."""

    id: UUID
    slug: str
    given_names: str
    family_name: str
    birth_date: date
    mobile: str | None
    email: str | None

    @property
    def name(self) -> str:
        return f"{self.given_names} {self.family_name}"

    @property
    def path(self) -> str:
        """Where the patient's workspace is."""
        return f"/p/{self.slug}/patients/{self.id}"


def hire(username: str, given_names: str, family_name: str, role: str, slug: str = "riverside") -> None:
    """Somebody new works in a practice, with the demonstration's password."""
    with db.scope() as session:
        practice_id = tenancy.find_by_slug(slug).id
        user = create_user(username, f"{username}@example.com", given_names, family_name, demo.PASSWORD)
        session.add(tenancy.Membership(practice_id=practice_id, user_id=user.id, role=role))


@dataclass(frozen=True, slots=True)
class People:
    """Adds patients to the practices of a running Careroom."""

    careroom: Careroom
    made: list[Person] = field(default_factory=list)

    def new(self, slug: str = "riverside", **details: Any) -> Person:
        """A patient with a mobile and an e-mail address, unless ``details`` say otherwise."""
        family_name = details.pop("family_name", None) or next(_FAMILY_NAMES)
        values = {
            "given_names": "Nora" if slug == "riverside" else "Lucie",
            "family_name": family_name,
            "birth_date": date(1984, 2, 29),
            "sex": "female",
            "mobile": next(_MOBILES[slug]),
            "email": f"{family_name.lower()}@example.com",
            **details,
        }
        with self.careroom.at(slug, write=True):
            made = patients.create(**values)
            person = Person(
                made.id, slug, made.given_names, made.family_name, made.birth_date, made.mobile, made.email
            )
        self.made.append(person)
        return person
