"""Days and hours as the practice's clock shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from core.sdk import tenancy, utcnow


def zone() -> ZoneInfo:
    """The current practice's time zone."""
    return ZoneInfo(tenancy.current().time_zone)


def today() -> date:
    """Today at the practice."""
    return utcnow().astimezone(zone()).date()


def moment(day: date, hour: int) -> datetime:
    """An hour of a day at the practice, in UTC."""
    return datetime.combine(day, time(hour), zone()).astimezone(UTC)
