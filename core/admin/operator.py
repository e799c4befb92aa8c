"""The operator's console: practices, queues, migrations, versions. Nobody's data is in it.

It belongs to no practice. Whoever is no operator finds nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import abort, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import db, i18n, notifications, plugin_system, tenancy
from core.admin import conflicts, platform_practices, platform_state
from core.i18n import _, use_language
from core.plugin_system import activation
from core.plugin_system.resolver import RULES, Rule
from core.security import invitations
from core.security.invitations import InvitationRefused
from core.tenancy import PRACTICE_ADMIN, platform
from core.web import coming_back, listing
from core.web.pages import render
from core.web.routes import CoreRoutes

routes = CoreRoutes("operator", __name__, prefix="/operator")

PAGE: Final = 50
_PERSON = ("email", "given_names", "family_name")
_FIELDS = ("name", "slug", "country", *_PERSON)


@routes.get("", access="operator")
def index() -> Markup:
    """Practices, and how the platform does."""
    asked = listing.asked(platform.ORDERS, words_in_address=True)
    status = listing.one_of("state", ("", *platform.STATUSES), "")
    total = platform.count(asked.words, status)
    asked, pages = asked.on_page(total, PAGE)
    found = platform.search(
        asked.words, status, order=asked.order, limit=PAGE, offset=(asked.page - 1) * PAGE
    )
    chosen = {"q": asked.words or None, "state": status or None, **asked.address(platform.ORDERS[0])}
    return render(
        "operator/index.html",
        practices=found,
        asked=asked,
        status=status,
        total=total,
        pages=pages,
        page_url=lambda number: url_for("operator.index", page=number, **chosen),
        people=platform_state.people([one.id for one in found]),
        presets=platform.PRESETS,
        queues=platform_state.queues(),
        worker=platform_state.worker(),
        troubles=platform_state.plugin_troubles(),
        branches=platform_state.branches(),
    )


# --- practices ---------------------------------------------------------------------------------------------------


@routes.get("/practices/new", access="operator")
def new() -> Markup:
    """An empty form."""
    return _form({"country": "GB"}, {})


@routes.post("/practices", access="operator", scope="none")
def create() -> ResponseReturnValue:
    """Make a practice and invite its first administrator."""
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    problems = _problems(typed)
    practice_id = None
    if not problems:
        try:
            practice_id = platform_practices.create(**typed)
        except InvitationRefused as refusal:
            problems["email"] = refusal.message
        except ValueError:
            problems["slug"] = _(
                "Use 1 to 40 of a–z, 0–9 and hyphens; neither the first nor the last a hyphen."
            )
    if practice_id is None:
        coming_back.to(url_for("operator.new"))
        with db.scope(write=False):
            return _form(typed, problems), 422
    flash(_("%(name)s was created.", name=typed["name"]), "success")
    flash(_("The administrator was invited by e-mail."), "success")
    return redirect(url_for("operator.practice", practice_id=practice_id), 303)


@routes.get("/practices/<uuid:practice_id>", access="operator")
def practice(practice_id: UUID) -> Markup:
    """One practice: its state, who is invited to run it, and which plugins it may have."""
    return _practice_page(practice_id)


def _practice_page(practice_id: UUID, typed: Mapping[str, str] | None = None, problem: str = "") -> Markup:
    found = _practice(practice_id)
    language = _language()
    with tenancy.practice_scope(practice_id, write=False), use_language(language):
        return render(
            "operator/practice.html",
            practice=found,
            plugins=[(state, state.rule, conflicts.seen(state.rule)) for state in activation.states()],
            held=notifications.held_back() if found.status == platform.SUSPENDED else 0,
            invited=[one for one in invitations.pending() if one.role == PRACTICE_ADMIN],
            typed=typed or {},
            problem=problem,
        )


@routes.post("/practices/<uuid:practice_id>/administrators", access="operator", scope="none")
def invite_administrator(practice_id: UUID) -> ResponseReturnValue:
    """Invite somebody to run a practice: another one, or one whose address was written wrongly at first."""
    typed = {name: request.form.get(name, "").strip() for name in _PERSON}
    language = _language()
    try:
        with tenancy.practice_scope(practice_id), use_language(language):
            _refuse_unless_active()
            made = invitations.invite(**typed, role=PRACTICE_ADMIN)
    except tenancy.UnknownPractice:
        abort(404)
    except InvitationRefused as refusal:
        coming_back.to(url_for("operator.practice", practice_id=practice_id))
        with db.scope(write=False):
            return make_response(_practice_page(practice_id, typed, refusal.message), 422)
    flash(_("An invitation is on its way to %(email)s.", email=made.email), "success")
    return redirect(url_for("operator.practice", practice_id=practice_id), 303)


@routes.post("/practices/<uuid:practice_id>/administrators/<uuid:item_id>", access="operator", scope="none")
def invite_again(practice_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """Send an administrator's invitation again, with a new link for another week; an expired one, too."""
    language = _language()
    try:
        with tenancy.practice_scope(practice_id), use_language(language):
            _refuse_unless_active()
            if item_id not in [one.id for one in invitations.pending() if one.role == PRACTICE_ADMIN]:
                abort(404)
            made = invitations.resend(item_id)
    except tenancy.UnknownPractice:
        abort(404)
    except InvitationRefused as refusal:
        flash(refusal.message, "warning")
    else:
        flash(_("An invitation is on its way to %(email)s.", email=made.email), "success")
    return redirect(url_for("operator.practice", practice_id=practice_id), 303)


def _refuse_unless_active() -> None:
    if tenancy.current().status != platform.ACTIVE:
        raise InvitationRefused(_("Nobody can be invited to a practice that is suspended or erased."))


@routes.post("/practices/<uuid:practice_id>/status", access="operator", scope="none")
def set_status(practice_id: UUID) -> ResponseReturnValue:
    """Suspend a practice, or let it go on."""
    wanted = platform.SUSPENDED if request.form.get("status") == platform.SUSPENDED else platform.ACTIVE
    try:
        platform_practices.set_status(practice_id, wanted)
    except tenancy.UnknownPractice:
        abort(404)
    except platform_practices.PracticeErased:
        flash(_("This practice is erased. Nothing is left of it that could go on."), "warning")
        return redirect(url_for("operator.practice", practice_id=practice_id), 303)
    if wanted == platform.SUSPENDED:
        flash(_("The practice is suspended. Its data stays as it is."), "success")
    else:
        flash(_("The practice can work again."), "success")
    return redirect(url_for("operator.practice", practice_id=practice_id), 303)


@routes.post("/practices/<uuid:practice_id>/plugins/<name>", access="operator", scope="none")
def decree(practice_id: UUID, name: str) -> ResponseReturnValue:
    """The operator's word on a plugin in a practice: allow, deny, force, or none."""
    said = request.form.get("rule", "")
    rule: Rule | None = next((one for one in RULES if one == said), None)
    if rule is None or name not in plugin_system.registry:
        abort(404)
    language = _language()
    try:
        with tenancy.practice_scope(practice_id), use_language(language):
            if conflicts.is_stale(request.form, lambda: activation.state(name).rule):
                conflicts.tell()
                return redirect(url_for("operator.practice", practice_id=practice_id), 303)
            activation.decree(name, rule)
    except tenancy.UnknownPractice:
        abort(404)
    except activation.CannotSwitch as refusal:
        flash(str(refusal), "warning")
    else:
        flash(_("Your word on this plugin is kept."), "success")
    return redirect(url_for("operator.practice", practice_id=practice_id), 303)


# --- the machinery -------------------------------------------------------------------------------------------------


@routes.get("/system", access="operator")
def system() -> Markup:
    """Migrations and versions."""
    return render(
        "operator/system.html",
        branches=platform_state.branches(),
        versions=platform_state.versions(),
        refusals=activation.refusals(),
    )


def _form(typed: dict[str, str], problems: dict[str, str]) -> Markup:
    return render(
        "operator/practice_form.html",
        typed=typed,
        problems=problems,
        countries=[(preset.country, str(preset.title)) for preset in platform.PRESETS.values()],
    )


def _problems(typed: dict[str, str]) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not 1 <= len(typed["name"]) <= 120:
        problems["name"] = _("Enter the name of the practice, with at most 120 characters.")
    if typed["country"] not in platform.PRESETS:
        problems["country"] = _("Choose a country.")
    with db.scope(write=False):
        if platform.is_taken(typed["slug"]):
            problems["slug"] = _("Another practice has this short name.")
    required: dict[str, Any] = {
        "email": _("Enter the administrator’s e-mail address."),
        "given_names": _("Enter the first names."),
        "family_name": _("Enter the family name."),
    }
    problems |= {name: said for name, said in required.items() if not typed[name]}
    problems |= {name: _too_long(64) for name in ("given_names", "family_name") if len(typed[name]) > 64}
    if typed["email"]:
        try:
            invitations.address_of(typed["email"])
        except InvitationRefused as refusal:
            problems["email"] = refusal.message
    return problems


def _too_long(most: int) -> str:
    return _("This is too long: use at most %(most)s characters.", most=most)


def _practice(practice_id: UUID) -> tenancy.Practice:
    try:
        return platform.find(practice_id)
    except tenancy.UnknownPractice:
        abort(404)


def _language() -> str:
    """The operator's, which entering a practice would change to the practice's."""
    return i18n.language()
