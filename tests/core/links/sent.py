"""A link that was sent to a patient, the date of birth that opens it, and the cookies of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core import links
from core.links import Link
from tests.support.house import House

BORN = {"day": "14", "month": "3", "year": "1951"}
WRONG = {"day": "15", "month": "3", "year": "1951"}
NO_MATCH = "This date of birth does not match"


@dataclass(slots=True)
class Sent:
    """A link that was sent to a patient of Riverside."""

    house: House
    id: UUID
    path: str

    def row(self) -> dict[str, Any]:
        with self.house.at(self.house.riverside, write=False):
            link = links.get(self.id)
            return {column.key: getattr(link, column.key) for column in Link.__table__.columns}

    def change(self, **values: object) -> None:
        with self.house.at(self.house.riverside):
            for name, value in values.items():
                setattr(links.get(self.id), name, value)


def cookies(answer: Any) -> list[str]:
    return [cookie for cookie in answer.headers.getlist("Set-Cookie") if "careroom_link" in cookie]
