"""What the core's codes on the audit trail mean, for whoever reads it on a page or in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from core import audit, plugin_system
from core.i18n import LazyString, _l

WORDS: Final[dict[str, LazyString]] = {
    "audit.exported": _l("Audit trail exported"),
    "audit.read": _l("Audit trail read"),
    "audit.verified": _l("Audit trail checked"),
    "files.key_rotated": _l("Key of the files changed"),
    "launch.unclear": _l("Clinical system’s patient not clear"),
    "job.dismissed": _l("Job taken off the list"),
    "job.retried": _l("Job tried again"),
    "link.birth_date_wrong": _l("Wrong date of birth on a link"),
    "link.cancelled": _l("Link cancelled"),
    "link.completed": _l("Link completed"),
    "link.issued": _l("Link made"),
    "link.locked": _l("Link locked after wrong dates of birth"),
    "link.opened": _l("Link opened"),
    "link.opened_again": _l("Link opened again"),
    "link.unlocked": _l("Link unlocked"),
    "link.used": _l("Page behind a link used"),
    "links.guessing_seen": _l("Somebody may be guessing dates of birth"),
    "messages.rules_changed": _l("Rules for messages changed"),
    "notification.cancelled": _l("Message cancelled"),
    "notification.dismissed": _l("Message taken off the list"),
    "notification.queued": _l("Message made"),
    "notification.retried": _l("Message sent again"),
    "patient.alert_added": _l("Alert added"),
    "patient.alert_raised": _l("Alert made a warning"),
    "patient.alert_resolved": _l("Alert resolved"),
    "patient.changed": _l("Patient’s details changed"),
    "patient.consent_changed": _l("Consent to messages changed"),
    "patient.contact_doubted": _l("Contact data no longer confirmed"),
    "patient.contact_verified": _l("Contact data confirmed"),
    "patient.created": _l("Patient added"),
    "patient.deactivated": _l("Patient taken off the list"),
    "patient.launched": _l("Opened from the clinical system"),
    "patient.reactivated": _l("Patient put back on the list"),
    "patient.searched": _l("Patients searched for"),
    "patient.viewed": _l("Record seen"),
    "patients.exported": _l("Table of patients exported"),
    "patients.import_confirmed": _l("Import of patients confirmed"),
    "patients.imported": _l("Patients imported"),
    "patients.listed": _l("List of patients seen"),
    "plugin.allowed": _l("Plugin allowed by the operator"),
    "plugin.consented": _l("Agreed to what a plugin newly asks for"),
    "plugin.denied": _l("Plugin denied by the operator"),
    "practice.resumed": _l("Practice resumed"),
    "practice.suspended": _l("Practice suspended"),
    "plugin.disabled": _l("Plugin switched off"),
    "plugin.enabled": _l("Plugin switched on"),
    "plugin.forced": _l("Plugin forced by the operator"),
    "plugin.left_to_practice": _l("Plugin left to the practice"),
    "plugin.pause_ended": _l("Pause of a plugin ended"),
    "plugin.settings_changed": _l("Settings of a plugin changed"),
    "plugin.settings_tested": _l("Settings of a plugin tried"),
    "practice.logo_changed": _l("Logo of the practice changed"),
    "practice.logo_removed": _l("Logo of the practice removed"),
    "retention.applied": _l("Old data deleted"),
    "retention.changed": _l("How long data is kept changed"),
    "template.changed": _l("Wording of a message changed"),
}

PLACES: Final[dict[str, LazyString]] = {
    "audit_trail.index": _l("Audit trail"),
    "locked_links.index": _l("Locked links"),
    "messages.index": _l("Messages"),
    "panels.today_panel": _l("Today"),
    "patients.create": _l("Add patient"),
    "patients.index": _l("Patients"),
    "today.index": _l("Today"),
}

_ON_BOTH: Final = (
    "audit.exported", "audit.read", "audit.verified", "links.guessing_seen", "plugin.denied",
    "plugin.left_to_practice", "practice.resumed", "practice.suspended",
)  # fmt: skip

audit.describe(WORDS)
audit.describe({action: WORDS[action] for action in _ON_BOTH}, on="platform")
audit.describe({"practice.created": _l("Practice created")}, on="platform")


def titles() -> dict[str, object]:
    """What the plugins are called, for actions that have no words."""
    return {plugin.name: plugin.title for plugin in plugin_system.registry}


def actions(on: Literal["practice", "platform"] = "practice") -> list[tuple[str, str]]:
    """Every action of a trail that has words, by its words, for a choice."""
    return sorted(audit.described(on).items(), key=lambda one: one[1].casefold())


def place(part: str, titles: Mapping[str, object]) -> str:
    """Where something was seen: the page's name, the plugin's for all of its pages, or the code of any other."""
    routes = part.partition(".")[0]
    own = routes.removesuffix("_patient")  # what PatientRoutes are called, unless they say otherwise
    return str(PLACES.get(part) or titles.get(routes) or titles.get(own, part))
