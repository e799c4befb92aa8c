"""Messages to people: texts and e-mails that wait in rows until a provider takes them, and the bell for staff.

notifications.send("photo_request.invitation", patient=patient, channels=["sms"], variables={"link": url},
                   subject=("photo_request.request", request.id), key=f"invitation:{request.id}")
"""

from datetime import timedelta

from core.jobs import Job
from core.notifications import (
    admission,
    compose,
    confirming,
    delivery,
    flood,
    inbox,
    replies,
    rules,
    samples,
    sms,
    templates,
    undelivered,
    usage,
    ways,
)
from core.notifications.callbacks import twilio_reports
from core.notifications.changes import TOPIC, TROUBLE_TOPIC, on_changed, remove_listener
from core.notifications.compose import Preview, language_for
from core.notifications.delivery import Postman
from core.notifications.errors import (
    ConsentMissing,
    EmptyText,
    InvalidRecipient,
    MessageTooLong,
    MissingVariable,
    NoRecipient,
    NotificationError,
    RecipientError,
    TooManyMessages,
    UnknownTemplate,
    UnknownVariable,
    WordingTooLong,
    WrongState,
)
from core.notifications.models import (
    CHANNELS,
    Channel,
    InboxItem,
    InboxRead,
    MessageMeter,
    Notification,
    RecipientLog,
    State,
    TemplateOverride,
)
from core.notifications.reasons import reason
from core.notifications.rules import MessageRules
from core.notifications.service import (
    about,
    cancel,
    cancel_about,
    count_for_patient,
    for_patient,
    get,
    held_back,
    let_go,
    preview,
    retry,
    send,
)
from core.notifications.templates import Template

JOBS = (
    Job("core.notifications_mask", delivery.mask_old, every=timedelta(hours=1), across_practices=True),
    Job("core.recipients_forget", flood.forget_old, every=timedelta(hours=1), across_practices=True),
)

__all__ = [
    "CHANNELS",
    "JOBS",
    "TOPIC",
    "TROUBLE_TOPIC",
    "Channel",
    "ConsentMissing",
    "EmptyText",
    "InboxItem",
    "InboxRead",
    "InvalidRecipient",
    "MessageMeter",
    "MessageRules",
    "MessageTooLong",
    "MissingVariable",
    "NoRecipient",
    "Notification",
    "NotificationError",
    "Postman",
    "Preview",
    "RecipientError",
    "RecipientLog",
    "State",
    "Template",
    "TemplateOverride",
    "TooManyMessages",
    "UnknownTemplate",
    "UnknownVariable",
    "WordingTooLong",
    "WrongState",
    "about",
    "admission",
    "cancel",
    "cancel_about",
    "compose",
    "confirming",
    "count_for_patient",
    "for_patient",
    "get",
    "held_back",
    "inbox",
    "language_for",
    "let_go",
    "on_changed",
    "preview",
    "reason",
    "remove_listener",
    "replies",
    "retry",
    "rules",
    "samples",
    "send",
    "sms",
    "templates",
    "twilio_reports",
    "undelivered",
    "usage",
    "ways",
]
