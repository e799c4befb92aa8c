"""The profile of a practice: what patients and authorities know it by, when it is open, how it looks."""

from __future__ import annotations

from typing import Any, Final

from babel import UnknownLocaleError
from flask import flash, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, branding, db, files, i18n, tenancy
from core.admin import conflicts, practice_form
from core.admin.practice_form import Errors, Profile
from core.files.service import freeing_when_full
from core.i18n import _, _l
from core.patients import phones
from core.tenancy import Practice, hours
from core.web import coming_back
from core.web.gate import own_scope
from core.web.pages import live, render
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.manage_practice"
routes = StaffRoutes("core", __name__, name="practice", prefix="/admin/practice")

audit.describe(
    {
        "practice.profile_changed": _l("Profile of the practice changed"),
        "practice.hours_changed": _l("Opening hours changed"),
        "practice.colour_changed": _l("Colour of the practice changed"),
    }
)


@routes.get("", permission=PERMISSION)
def edit() -> Markup:
    """Name, contact, identifiers, languages."""
    return _profile_page(_shown_profile(tenancy.current()), {})


@routes.post("", permission=PERMISSION)
def save() -> ResponseReturnValue:
    """Store them, or show the form again with all that was typed."""
    practice, typed = tenancy.current(), _typed_profile()
    profile, errors = practice_form.read_profile(request.form, practice)
    if profile is None:
        return make_response(_profile_page(typed, errors), 422)
    if conflicts.is_stale(request.form, lambda: _stored_profile(practice)):
        theirs = _changed(_stored_profile(practice), _as_stored(profile))
        return make_response(_profile_page(typed, {}, theirs), 409)
    changed = _store(practice, profile)
    if changed:
        audit.record("practice.profile_changed", detail={"fields": ", ".join(changed)})
    flash(_("The profile is saved."), "success")
    return redirect(url_for("practice.edit"), 303)


@routes.get("/hours", permission=PERMISSION)
def edit_hours() -> Markup:
    """The week, and the days on which the practice is closed."""
    found = hours.of(tenancy.current())
    return _hours_page(*practice_form.shown_hours(found, i18n.local(db.utcnow()).date()), {})


@routes.post("/hours", permission=PERMISSION)
def save_hours() -> ResponseReturnValue:
    """Store them, or show the form again with all that was typed."""
    practice = tenancy.current()
    found, errors = practice_form.read_hours(request.form)
    if found is None:
        return make_response(_hours_page(*practice_form.typed_hours(request.form), errors), 422)
    if conflicts.is_stale(request.form, lambda: hours.of(practice).stored()):
        return make_response(_hours_page(*practice_form.typed_hours(request.form), {}, is_stale=True), 409)
    if found.stored() != hours.of(practice).stored():
        practice.profile = {**practice.profile, **found.stored()}
        audit.record("practice.hours_changed")
    flash(_("The opening hours are saved."), "success")
    return redirect(url_for("practice.edit_hours"), 303)


@routes.get("/look", permission=PERMISSION)
def edit_look() -> Markup:
    """Colour and logo."""
    return _look_page(_stored_colour())


@routes.post("/look", permission=PERMISSION)
def save_look() -> ResponseReturnValue:
    """Store the colour, look at one, or go back to the platform's."""
    action = request.form.get("action")
    typed = request.form.get("colour", "").strip().lower()
    colour = f"#{typed}" if typed and not typed.startswith("#") else typed
    if action == "reset":
        colour = ""
    elif not branding.is_colour(colour):
        error = _("A colour has a # and six digits or letters from a to f, for example #0d5f5a.")
        return make_response(_look_page(typed, error), 422)
    if action == "preview":
        return _look_page(colour)
    practice = tenancy.current()
    if conflicts.is_stale(request.form, _stored_colour):
        if action == "reset":
            conflicts.tell()
            return redirect(url_for("practice.edit_look"), 303)
        return make_response(_look_page(colour, is_stale=True), 409)
    before = _stored_colour()
    if colour != before:
        kept = {name: value for name, value in practice.profile.items() if name != "colour"}
        practice.profile = {**kept, "colour": colour} if colour else kept
        audit.record("practice.colour_changed", detail={"before": before, "colour": colour})
    flash(_("The colour is saved.") if colour else _("The usual colour is back."), "success")
    return redirect(url_for("practice.edit_look"), 303)


@routes.get("/look/logo", permission=PERMISSION)
def logo_panel() -> Markup:
    """The state of the logo, for the page that heard that it was prepared."""
    return render("admin/practice_logo.html", **_logo_state())


@routes.post("/look/logo", permission=PERMISSION, scope="none")
def save_logo() -> ResponseReturnValue:
    """Take a picture as the logo; the worker makes a clean one of it."""
    file = request.files.get("logo")
    if file is None or not file.filename:
        return _logo_refused(_("Choose a picture first."), 422)
    try:
        staged = files.stage(
            file.stream,
            owner=branding.logo.OWNER,
            name=file.filename,
            max_size=branding.logo.MOST_BYTES,
            practice_id=g.practice_id,
        )
    except files.FileRefused as refused:
        return _logo_refused(_logo_words(refused.reason), refused.status)
    with freeing_when_full(staged.blob), own_scope():
        branding.logo.take(staged)
        there = url_for("practice.edit_look")
    flash(_("The logo has arrived and is being prepared."), "success")
    return redirect(there, 303)


@routes.post("/look/logo/remove", permission=PERMISSION)
def remove_logo() -> ResponseReturnValue:
    """Show no logo any more."""
    branding.logo.remove()
    flash(_("The logo is removed."), "success")
    return redirect(url_for("practice.edit_look"), 303)


# --- profile -----------------------------------------------------------------------------------------------------


def _stored_profile(practice: Practice) -> dict[str, Any]:
    """As the fingerprint and the comparison see it."""
    return {
        "name": practice.name,
        "phone": practice.phone,
        "email": practice.email,
        "address": practice.address,
        "language": practice.language,
        "time_zone": practice.time_zone,
        **(practice.profile.get("identifiers") or {}),
        "languages": list(practice.profile.get("languages") or i18n.LANGUAGES),
    }


def _as_stored(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "phone": profile.phone,
        "email": profile.email,
        "address": profile.address,
        "language": profile.language,
        "time_zone": profile.time_zone,
        **profile.identifiers,
        "languages": list(profile.languages),
    }


def _changed(stored: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The titles of the fields that differ."""
    titles = _titles()
    return [titles[name] for name in titles if stored.get(name) != wanted.get(name)]


def _store(practice: Practice, profile: Profile) -> list[str]:
    """Write it into the row; the names of what changed."""
    before, wanted = _stored_profile(practice), _as_stored(profile)
    known = {item.name for item in practice_form.identifiers_for(practice.country)}
    others = {
        name: value
        for name, value in (practice.profile.get("identifiers") or {}).items()
        if name not in known
    }
    practice.name, practice.phone, practice.email = profile.name, profile.phone, profile.email
    practice.address, practice.language = profile.address, profile.language
    practice.time_zone = profile.time_zone
    practice.profile = {
        **practice.profile,
        "identifiers": {**others, **profile.identifiers},
        "languages": list(profile.languages),
    }
    return sorted(name for name in {*before, *wanted} if before.get(name) != wanted.get(name))


def _shown_profile(practice: Practice) -> dict[str, Any]:
    stored = _stored_profile(practice)
    if practice.phone:
        stored["phone"] = phones.national(practice.phone, practice.country)
    return stored


def _typed_profile() -> dict[str, Any]:
    return {**request.form.to_dict(), "languages": request.form.getlist("languages")}


def _titles() -> dict[str, str]:
    return {
        "name": _("Name"),
        "address": _("Address"),
        "phone": _("Phone"),
        "email": _("E-mail"),
        **{item.name: str(item.title) for item in practice_form.IDENTIFIERS},
        "language": _("Language and formats"),
        "languages": _("Languages for patients"),
        "time_zone": _("Time zone"),
    }


def _profile_page(values: dict[str, Any], errors: Errors, theirs: list[str] | None = None) -> Markup:
    practice, titles = tenancy.current(), _titles()
    return render(
        "admin/practice.html",
        tab="profile",
        values=values,
        errors=errors,
        summary=[(name, f"{titles[name]}: {sentence}") for name, sentence in errors.items()],
        titles=titles,
        identifiers=practice_form.identifiers_for(practice.country),
        locales=[(code, _locale_name(code)) for code in practice_form.locales(practice)],
        languages=list(i18n.LANGUAGES.items()),
        zones=[(zone, zone.replace("_", " ")) for zone in practice_form.time_zones(practice)],
        seen=conflicts.seen(_stored_profile(practice), request.form if errors else None),
        theirs=theirs,
    )


def _locale_name(code: str) -> str:
    try:
        name = i18n.babel_locale().parse(code, sep="-").get_display_name(i18n.babel_locale())
    except (ValueError, UnknownLocaleError):  # from before the command line looked at it
        return code
    return (name[:1].upper() + name[1:]) if name else code


# --- hours, look -------------------------------------------------------------------------------------------------


def _hours_page(
    week: dict[int, list[tuple[str, str]]],
    closed: list[tuple[str, str]],
    errors: Errors,
    *,
    is_stale: bool = False,
) -> Markup:
    names = i18n.babel_locale().days["stand-alone"]["wide"]
    days = [(day, str(names[day]).capitalize(), week[day], errors.get(f"day-{day}")) for day in range(7)]
    summary = [(name, sentence) for name, sentence in errors.items()]
    summary = [
        (f"{name}-0-from" if name.startswith("day-") else name, _worded(name, sentence, days))
        for name, sentence in summary
    ]
    return render(
        "admin/practice_hours.html",
        tab="hours",
        days=days,
        closed=[(day, name, errors.get(f"closed-{place}")) for place, (day, name) in enumerate(closed)],
        summary=summary,
        seen=conflicts.seen(hours.of(tenancy.current()).stored(), request.form if errors else None),
        is_stale=is_stale,
    )


def _worded(name: str, sentence: str, days: list[Any]) -> str:
    kind, _dash, number = name.partition("-")
    return f"{days[int(number)][1]}: {sentence}" if kind == "day" else sentence


def _stored_colour() -> str:
    return str(tenancy.current().profile.get("colour") or "")


def _look_page(
    colour: str, error: str | None = None, logo_error: str | None = None, *, is_stale: bool = False
) -> Markup:
    is_colour = branding.is_colour(colour)
    return render(
        "admin/practice_look.html",
        tab="look",
        colour=colour,
        palette=branding.palette(colour) if is_colour else None,
        is_saved=colour == _stored_colour(),
        seen=conflicts.seen(_stored_colour(), None if is_stale else request.form),
        is_stale=is_stale,
        error=error,
        logo_error=logo_error,
        **_logo_state(),
    )


def _logo_state() -> dict[str, Any]:
    practice = tenancy.current()
    waiting, refused = branding.logo.waiting_id(practice), practice.profile.get("logo_refused")
    if waiting is not None:
        live(f"core.file:{waiting}")
    return {
        "logo_waiting": waiting,
        "logo_refused": _logo_words(str(refused)) if refused else None,
        "has_logo": branding.logo.current_id(practice) is not None,
    }


def _logo_refused(words: str, status: int) -> ResponseReturnValue:
    coming_back.to(url_for("practice.edit_look"))
    with own_scope(write=False):
        return make_response(_look_page(_stored_colour(), logo_error=words), status)


def _logo_words(reason: str) -> str:
    """Why a picture cannot be the logo; a photo's words speak of a phone."""
    known = {
        "empty": _("This file is empty. Please choose another."),
        "too_large": _("This picture is too large. Use one of at most 4 MB."),
        "drawing": _("This is a drawing (SVG), which can carry a program. Use a PNG or JPEG picture."),
        "format": _("This is not a picture that we can open. Use a PNG, JPEG or WebP."),
        "animated": _("This picture moves. Use a still one."),
    }
    return known.get(reason) or _("This picture cannot be used. Please try another.")
