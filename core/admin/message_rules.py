"""The practice's rules for its messages, as a form."""

from __future__ import annotations

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from core.admin import conflicts, settings_form
from core.i18n import _
from core.notifications import MessageRules, rules
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="message_rules", prefix="/messages/rules")


@routes.get("", permission=rules.PERMISSION)
def edit() -> str:
    """The rules that hold now."""
    return _form(None, None)


@routes.post("", permission=rules.PERMISSION)
def save() -> ResponseReturnValue:
    """Store them, or show the form again with all that was typed and what is wrong with it."""
    reset = request.form.get("action") == "reset"
    if conflicts.is_stale(request.form, _stored):
        if reset:
            conflicts.tell()
            return redirect(url_for("message_rules.edit"), 303)
        return make_response(_form(request.form, None, is_stale=True), 409)
    try:
        rules.save({} if reset else settings_form.read(MessageRules, request.form, rules.load()))
    except ValidationError as error:
        return make_response(_form(request.form, error), 422)
    flash(_("The usual settings are back.") if reset else _("The settings are saved."), "success")
    return redirect(url_for("message_rules.edit"), 303)


def _stored() -> object:
    return rules.load().model_dump(mode="json")


def _form(typed: settings_form.Form | None, error: ValidationError | None, *, is_stale: bool = False) -> str:
    fields = settings_form.fields(MessageRules, rules.load(), typed, error)
    wrong: list[tuple[str | None, str]] = [
        (item.name, _("%(field)s: %(problem)s", field=item.label, problem=item.error))
        for item in fields
        if item.error
    ]
    whole = settings_form.errors_by_field(MessageRules, error).get("")
    errors = [*wrong, *([(None, whole)] if whole else [])]
    seen = conflicts.seen(_stored(), None if is_stale else typed)
    return render("admin/message_rules.html", fields=fields, errors=errors, seen=seen, is_stale=is_stale)
