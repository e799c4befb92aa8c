"""Rendering with what every page of this plugin needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.sdk import _, i18n, plugin_static, render

from careroom_symptom_diary import calendar
from careroom_symptom_diary.models import RUNNING, Diary
from careroom_symptom_diary.plot import HEIGHT, WIDTH
from careroom_symptom_diary.scales import NOTE, SCALES


def page(template: str, **values: Any) -> str:
    """A page or fragment of this plugin: ``page("new.html", ...)``."""
    return render(
        f"symptom_diary/{template}",
        plugin_static=plugin_static,
        scales=SCALES,
        width=WIDTH,
        height=HEIGHT,
        value_words=value_words,
        state_words=state_words,
        asks_for_note=lambda diary: NOTE in diary.scales,
        today=calendar.today(),
        **values,
    )


def value_words(name: str, value: Any) -> str:
    """ "6 of 10", "37.2 °C": a value as people read it."""
    scale = SCALES[name]
    if scale.unit:
        return f"{number_words(value)} {scale.unit}"
    return _("%(value)s of %(most)s", value=value, most=scale.high)


def number_words(value: Any) -> str:
    """A number as it is written in this language: 37.2, 37,2."""
    return i18n.format_number(Decimal(str(value)))


def summary(readings: dict[str, Any]) -> str:
    """ "Pain 6 of 10, Temperature 37.2 °C": an entry in a line."""
    return ", ".join(f"{SCALES[name].title} {value_words(name, value)}" for name, value in readings.items())


def state_words(diary: Diary) -> tuple[str, str, str]:
    """A diary's state in words, its tone and its icon."""
    if diary.state == RUNNING and diary.last_day >= calendar.today():
        day = (calendar.today() - diary.first_day).days + 1
        words = _("Day %(day)s of %(days)s", day=day, days=(diary.last_day - diary.first_day).days + 1)
        return words, "info", "notebook"
    return (_("Ended"), "neutral", "check") if diary.state != "stopped" else (_("Stopped"), "neutral", "ban")
