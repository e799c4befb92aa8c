"""A diary as lines over days: where each point lies, worked out here, so that the template only draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from careroom_symptom_diary.models import Diary, Entry
from careroom_symptom_diary.scales import SCALES, Scale

WIDTH: Final = 400
HEIGHT: Final = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 18, 12, 28
_MOST_DAY_MARKS: Final = 7


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a day and where it lies; ``alert``: it reached the threshold."""

    day: date
    value: Decimal
    x: float
    y: float
    alert: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """One scale of a diary. lines: runs of days without a gap, as points of SVG polylines."""

    scale: Scale
    points: list[Point]
    lines: list[str]
    marks: list[tuple[str, float]]
    days: list[tuple[date, float]]
    threshold: Decimal | None
    threshold_y: float | None

    @property
    def newest(self) -> Point | None:
        return self.points[-1] if self.points else None

    @property
    def highest(self) -> Point | None:
        return max(self.points, key=lambda point: point.value, default=None)


def plots(diary: Diary, entries: list[Entry]) -> list[Plot]:
    """A plot for each scale that the diary asks for."""
    return [_plot(diary, entries, SCALES[name]) for name in diary.scales if name in SCALES]


def _plot(diary: Diary, entries: list[Entry], scale: Scale) -> Plot:
    values = {e.on_day: Decimal(e.readings[scale.name]) for e in entries if scale.name in e.readings}
    low, high = _range(scale, values)
    length = (diary.last_day - diary.first_day).days

    def x(day: date) -> float:
        share = (day - diary.first_day).days / length if length else 0.5
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: Decimal) -> float:
        share = float((value - low) / (high - low))
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    text = diary.thresholds.get(scale.name)
    threshold = Decimal(text) if text is not None else None
    points = [
        Point(day, value, x(day), y(value), threshold is not None and value >= threshold)
        for day, value in sorted(values.items())
    ]
    step = max(1, -(-(length + 1) // _MOST_DAY_MARKS))
    marks = [low, (low + high) / 2, high]
    return Plot(
        scale,
        points,
        _lines(points),
        [(f"{mark.normalize():f}", y(mark)) for mark in marks],
        [(day, x(day)) for n in range(0, length + 1, step) for day in [diary.first_day + timedelta(days=n)]],
        threshold,
        y(threshold) if threshold is not None and low <= threshold <= high else None,
    )


def _range(scale: Scale, values: dict[date, Decimal]) -> tuple[Decimal, Decimal]:
    """0 to 10 as it is; a temperature where temperatures are, and as far as the values go."""
    if not scale.places:
        return scale.low, scale.high
    low = min([Decimal(36), *(value.to_integral_value("ROUND_FLOOR") for value in values.values())])
    high = max([Decimal(40), *(value.to_integral_value("ROUND_CEILING") for value in values.values())])
    return low, high


def _lines(points: list[Point]) -> list[str]:
    runs: list[list[Point]] = []
    for point in points:
        if runs and point.day - runs[-1][-1].day == timedelta(days=1):
            runs[-1].append(point)
        else:
            runs.append([point])
    return [" ".join(f"{point.x},{point.y}" for point in run) for run in runs if len(run) > 1]
