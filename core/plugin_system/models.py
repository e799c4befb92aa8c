"""What a practice has decided about a plugin, and what the operator has decided for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import TenantModel, Timestamps


class PracticePlugin(Timestamps, TenantModel):
    """A plugin in a practice: on or off, and the settings that differ from the plugin's defaults.

    version: the plugin's when it was last switched. rule: the operator's, one of ``resolver.RULES``.
    agreed: the capabilities that the practice agreed to, None before it was ever asked.
    settings_version: of which version of the settings the stored values are. settings_kept: earlier values that
    could not be used, as they were: {"earlier": [{"version": n, "values": {...}, "until": "..."}]}.
    """

    __tablename__ = "core_practice_plugin"
    __table_args__ = (UniqueConstraint("practice_id", "name"),)

    name: Mapped[str] = mapped_column(String(64))
    enabled: Mapped[bool] = mapped_column(default=False)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[str] = mapped_column(String(32), default="")
    rule: Mapped[str] = mapped_column(String(8), default="", server_default="")
    agreed: Mapped[list[str] | None] = mapped_column(default=None)
    settings_version: Mapped[int] = mapped_column(default=1, server_default="1")
    settings_kept: Mapped[dict[str, Any] | None] = mapped_column(default=None)
