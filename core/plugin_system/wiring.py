"""Connects the plugin system to the rooms below it, which know no plugin."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from core import branding, files, jobs, links, notifications, tenancy
from core.plugin_system import activation, consent, data_sources, dispatch, faults
from core.plugin_system.contexts import FileContext, LinkContext, NotificationContext
from core.plugin_system.registry import registry
from core.settings import Settings

_WAIT_WHILE_OFF: Final = timedelta(minutes=5)


def start(settings: Settings) -> None:
    """Load the plugins and answer for them: in the web process and in the worker alike."""
    registry.load(settings)
    jobs.register(*consent.JOBS)
    activation.forget()
    faults.forget()
    tenancy.switches.answered_by(activation.enabled)
    data_sources.start()
    links.on_changed(_link_changed)
    files.on_processed(_file_processed)
    files.on_processed(branding.logo.settle)
    notifications.on_changed(_notification_changed)


def _link_changed(link: links.Link, change: str) -> None:
    if change == "opened":
        notifications.confirming.link_opened(link.patient_id, link.token_hash)
    dispatch.call("link_changed", LinkContext(link, change), owner=tenancy.switches.owner_of(link.purpose))


def _file_processed(file: files.File) -> None:
    """Whoever is off now hears of it when it is on again: the job waits."""
    if not tenancy.switches.is_on(file.owner):
        raise jobs.Postpone(_WAIT_WHILE_OFF)
    dispatch.call("file_processed", FileContext(file), owner=file.owner)


def _notification_changed(notification: notifications.Notification) -> None:
    owner = tenancy.switches.owner_of(notification.template)
    dispatch.call("notification_changed", NotificationContext(notification), owner=owner)
