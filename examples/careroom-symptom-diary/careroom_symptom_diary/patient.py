"""The page behind a patient's link: how are you today? And, once it is written, thank you."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.sdk import PatientRoutes, Refused, _, abort, current_link, db, redirect, request, url_for

from careroom_symptom_diary import calendar, service
from careroom_symptom_diary.models import RUNNING, Diary, Entry
from careroom_symptom_diary.pages import number_words, page
from careroom_symptom_diary.scales import SCALES, BadValue, Scale

routes = PatientRoutes("symptom_diary", __name__)


@routes.get("/", purpose=service.PURPOSE)
def show() -> str:
    """Today's entry to write; or what was written today, with a way to correct it."""
    diary = _diary()
    entry = service.entry_of(diary, calendar.today())
    if not _is_open(diary):
        return page("ended.html", diary=diary)
    if entry is None or "edit" in request.args:
        return _form(diary, entry)
    return page("thanks.html", diary=diary, entry=entry, days=_days(diary))


@routes.post("/", purpose=service.PURPOSE)
def write() -> Any:
    """Today's entry."""
    diary = _diary()
    readings: dict[str, Decimal] = {}
    errors: dict[str, str] = {}
    for scale in (SCALES[name] for name in diary.scales if name in SCALES):
        try:
            readings[scale.name] = scale.parse(request.form.get(scale.name, ""))
        except BadValue:
            errors[scale.name] = _missing(scale)
    if errors:
        return _form(diary, service.entry_of(diary, calendar.today()), errors), 422
    try:
        with db.savepoint():
            service.write(diary, readings, request.form.get("note", ""))
    except Refused:
        return page("ended.html", diary=diary), 410
    return redirect(url_for(".show"), 303)


def _missing(scale: Scale) -> str:
    if scale.choices:
        return _("Please choose a number from 0 to 10.")
    return _(
        "Please write a temperature between %(low)s and %(high)s, for example 37.2.",
        low=scale.low,
        high=scale.high,
    )


def _diary() -> Diary:
    found = db.get(Diary, current_link().subject_id)
    if found is None:
        abort(404)
    return found


def _is_open(diary: Diary) -> bool:
    return diary.state == RUNNING and diary.first_day <= calendar.today() <= diary.last_day


def _days(diary: Diary) -> tuple[int, int]:
    return (calendar.today() - diary.first_day).days + 1, (diary.last_day - diary.first_day).days + 1


def _form(diary: Diary, entry: Entry | None, errors: dict[str, str] | None = None) -> str:
    written = entry.readings if entry else {}
    said = request.form if errors is not None else {n: number_words(v) for n, v in written.items()}
    return page(
        "write.html",
        diary=diary,
        entry=entry,
        said=said,
        note=request.form.get("note", "") if errors is not None else (entry.note if entry else ""),
        errors=errors or {},
        days=_days(diary),
        max_words=service.MAX_WORDS,
    )
