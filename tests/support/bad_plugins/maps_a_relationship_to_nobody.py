"""A plugin with a mapped class that cannot be configured, which would otherwise fail everybody's."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import db
from tests.support.plugins import make


class Lonely(db.Base):
    """Related to a class that does not exist."""

    __tablename__ = "x_lonely_thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    other = relationship("Nobody")


plugin = make("x_lonely", package="tests.support.bad_plugins")
