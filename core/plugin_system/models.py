"""What a practice has decided about a plugin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import TenantModel, Timestamps


class PracticePlugin(Timestamps, TenantModel):
    """A plugin in a practice: on or off, and the settings that differ from the plugin's defaults."""

    __tablename__ = "core_practice_plugin"
    __table_args__ = (UniqueConstraint("practice_id", "name"),)

    name: Mapped[str] = mapped_column(String(64))
    enabled: Mapped[bool] = mapped_column(default=False)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[str] = mapped_column(String(32), default="")
