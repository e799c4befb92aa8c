"""THE plugin API: everything that a plugin may import, and nothing else.

A name that is here stays as it is within a major version of the API (:data:`API_VERSION`). What a plugin needs
and does not find here is a reason to improve this page, not to reach around it.
"""

from flask import abort, flash, jsonify, make_response, redirect, request, url_for

from core import audit, db, files, i18n, jobs, links, notifications, patients, realtime, tenancy, turn
from core.db import (
    Base,
    Lease,
    TenantModel,
    Timestamps,
    UtcDateTime,
    tenant_key,
    utcnow,
    uuid7,
)
from core.errors import Refused, Worded
from core.i18n import LazyString, _, _l, ngettext
from core.jobs import Job
from core.links import Link, LinkPurpose, Welcome
from core.notifications import Template
from core.patient_data import Erased, ExportPart, FileRef, PatientDataContext, PracticeDataContext
from core.patients import Patient
from core.patients.timeline import TimelineEntry
from core.plugin_system import (
    Action,
    Capability,
    FileContext,
    LineContext,
    LineDay,
    LinkContext,
    NavItem,
    NotificationContext,
    Panel,
    PatientContext,
    Permission,
    Plugin,
    SettingsPage,
    SettingsTest,
    StaffContext,
    calls,
    hookimpl,
)
from core.plugin_system.dispatch import ask
from core.plugin_system.hookspecs import contract
from core.plugin_system.manifest import API_VERSION
from core.plugin_system.patient_part import PatientPart
from core.plugin_system.plugin_settings import of as settings_of
from core.plugin_system.plugin_settings import section as settings_section
from core.plugin_system.slots import Slot
from core.realtime import publish, topic
from core.realtime.socket_events import SocketContext, SocketEvent, SocketRefused
from core.retention import Kind as RetentionKind
from core.security import colleagues
from core.security.permissions import can
from core.web import compose, listing, second_browser, uploads
from core.web.file_response import file_response
from core.web.gate import current_link, own_scope
from core.web.pages import NotFound, live, render
from core.web.panels import patient_actions, render_slot
from core.web.patient_slots import render_patient_slot
from core.web.plugin_assets import plugin_static
from core.web.routes import PatientRoutes, StaffRoutes

__all__ = [
    "API_VERSION",
    "Action",
    "Base",
    "Capability",
    "Erased",
    "ExportPart",
    "FileContext",
    "FileRef",
    "Job",
    "LazyString",
    "Lease",
    "LineContext",
    "LineDay",
    "Link",
    "LinkContext",
    "LinkPurpose",
    "NavItem",
    "NotFound",
    "NotificationContext",
    "Panel",
    "Patient",
    "PatientContext",
    "PatientDataContext",
    "PatientPart",
    "PatientRoutes",
    "Permission",
    "Plugin",
    "PracticeDataContext",
    "Refused",
    "RetentionKind",
    "SettingsPage",
    "SettingsTest",
    "Slot",
    "SocketContext",
    "SocketEvent",
    "SocketRefused",
    "StaffContext",
    "StaffRoutes",
    "Template",
    "TenantModel",
    "TimelineEntry",
    "Timestamps",
    "UtcDateTime",
    "Welcome",
    "Worded",
    "_",
    "_l",
    "abort",
    "ask",
    "audit",
    "calls",
    "can",
    "colleagues",
    "compose",
    "contract",
    "current_link",
    "db",
    "file_response",
    "files",
    "flash",
    "hookimpl",
    "i18n",
    "jobs",
    "jsonify",
    "links",
    "listing",
    "live",
    "make_response",
    "ngettext",
    "notifications",
    "own_scope",
    "patient_actions",
    "patients",
    "plugin_static",
    "publish",
    "realtime",
    "redirect",
    "render",
    "render_patient_slot",
    "render_slot",
    "request",
    "second_browser",
    "settings_of",
    "settings_section",
    "tenancy",
    "tenant_key",
    "topic",
    "turn",
    "uploads",
    "url_for",
    "utcnow",
    "uuid7",
]
