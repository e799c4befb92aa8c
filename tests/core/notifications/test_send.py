"""Writing messages: texts, recipients, keys, states."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from core import db, notifications, patients
from core.audit import AuditEntry
from core.i18n import _l, use_language
from core.notifications import (
    EmptyText,
    InvalidRecipient,
    MessageTooLong,
    MissingVariable,
    NoRecipient,
    Notification,
    Template,
    UnknownTemplate,
    UnknownVariable,
    WrongState,
    templates,
)
from core.realtime.events import events_since
from tests.peers.clinic import INVITATION, LINK, Clinic

pytestmark = pytest.mark.both_databases

VALUES = {"patient": "Ada", "link": LINK, "note": ""}


def test_one_row_a_channel_with_the_exact_texts(clinic: Clinic) -> None:
    subject_id = uuid4()
    with clinic.at():
        rows = notifications.send(
            INVITATION.name,
            patient=patients.get(clinic.ada),
            channels=["sms", "email"],
            variables={**VALUES, "note": "the left hand"},
            key="k",
            subject=("photo_request.request", subject_id),
        )
        text, mail = rows
        assert (text.channel, text.recipient, text.state) == ("sms", "+447700900123", "queued")
        assert text.body == f"Riverside Surgery asks you to send photos: {LINK} the left hand"
        assert (text.segments, text.encoding) == (1, "GSM-7")
        assert (mail.recipient, mail.subject) == ("ada@example.com", "Riverside Surgery asks you for photos")
        assert (
            mail.body
            == f"Hello Ada,\n\nplease send photos:\n\n{LINK}\n\nthe left hand\n\nRiverside Surgery\n"
        )
        assert mail.html is not None
        assert f'href="{LINK}"' in mail.html
        assert mail.subject_owner == "photo_request"
        assert [row.id for row in notifications.about(subject_id)] == [mail.id, text.id]
    with clinic.at(write=False):
        heard = {(event.topic, event.type) for event in events_since(0)}
        assert heard == {(f"core.notification:{subject_id}", "queued")}
        actions = db.session().scalars(select(AuditEntry.action)).all()
        assert list(actions).count("notification.queued") == 2


def test_an_empty_variable_leaves_no_hole(clinic: Clinic) -> None:
    with clinic.at(write=False):
        seen = notifications.preview(INVITATION.name, variables=VALUES)
    assert seen.sms_text == f"Riverside Surgery asks you to send photos: {LINK}"
    assert "\n\n\n" not in seen.email_text


def test_the_same_key_makes_one_message(clinic: Clinic) -> None:
    first = clinic.send(key="invitation")
    second = clinic.send(key="invitation")
    assert first == second
    with clinic.at(write=False):
        assert db.session().scalar(select(func.count(Notification.id))) == 1


def test_the_same_key_in_another_practice_is_another_message(clinic: Clinic) -> None:
    [first] = clinic.send(key="k")
    with clinic.at(clinic.lumiere):
        [second] = notifications.send(
            INVITATION.name, patient=patients.get(clinic.zoe), channels=["sms"], variables=VALUES, key="k:0"
        )
        assert second.id != first


def test_a_rolled_back_transaction_sends_nothing(clinic: Clinic) -> None:
    class Trouble(Exception):
        pass

    with pytest.raises(Trouble), clinic.at():
        notifications.send(
            INVITATION.name, patient=patients.get(clinic.ada), channels=["sms"], variables=VALUES, key=None
        )
        raise Trouble
    assert clinic.deliver() == 0


def test_a_patient_without_the_channel(clinic: Clinic) -> None:
    with clinic.at():
        nobody = patients.get(clinic.nobody)
        with pytest.raises(NoRecipient) as refused:
            notifications.send(INVITATION.name, patient=nobody, channels=["sms"], variables=VALUES, key=None)
        assert refused.value.channel == "sms"
        assert "no mobile number" in refused.value.message
        with pytest.raises(NoRecipient, match="no e-mail address"):
            notifications.send(
                INVITATION.name, patient=nobody, channels=["email"], variables=VALUES, key=None
            )
        assert db.session().scalar(select(func.count(Notification.id))) == 0


def test_a_one_off_number_leaves_the_patient_as_is(clinic: Clinic) -> None:
    [sent] = clinic.send(recipient="07700 900456")
    assert clinic.message(sent).recipient == "+447700900456"
    with clinic.at(write=False):
        assert patients.get(clinic.ada).mobile == "+447700900123"


def test_one_off_addresses_for_both_channels(clinic: Clinic) -> None:
    with clinic.at():
        rows = notifications.send(
            INVITATION.name,
            patient=patients.get(clinic.nobody),
            channels=["sms", "email"],
            variables=VALUES,
            key=None,
            recipient={"sms": "+33 6 39 98 01 23", "email": "Someone@Example.com"},
        )
        assert [row.recipient for row in rows] == ["+33639980123", "Someone@example.com"]


@pytest.mark.parametrize(
    ("channel", "recipient"),
    [
        ("sms", "12"),
        ("sms", "not a number"),
        ("sms", "020 7946 0000"),  # a landline
        ("email", "ada@"),
        ("email", "ada@example.com\nBcc: all@example.com"),
        ("email", "two words@example.com"),
    ],
)
def test_a_recipient_that_is_none_is_refused_before_anything_is_written(
    clinic: Clinic, channel: str, recipient: str
) -> None:
    with pytest.raises(InvalidRecipient) as refused:
        clinic.send(channel, recipient=recipient)
    assert refused.value.message
    with clinic.at(write=False):
        assert db.session().scalar(select(func.count(Notification.id))) == 0


def test_the_patients_language_wins_over_the_practices(clinic: Clinic) -> None:
    with clinic.at():
        ada = patients.get(clinic.ada)
        assert notifications.language_for(ada) == "en-GB"
        ada.language = "fr"
        assert notifications.language_for(ada) == "fr"
        assert notifications.preview(INVITATION.name, variables=VALUES, patient=ada).language == "fr"


# --- wording ------------------------------------------------------------------------------------------------


def test_a_practices_own_wording_wins_for_its_language_only(clinic: Clinic) -> None:
    with clinic.at():
        templates.override(INVITATION.name, "en", sms="Hi {patient}! {link}")
    with clinic.at(write=False):
        own = notifications.preview(INVITATION.name, variables=VALUES, language="en-GB")
        assert own.sms_text == f"Hi Ada! {LINK}"
        assert own.email_text.startswith("Hello Ada")  # not reworded
        assert "asks you" in notifications.preview(INVITATION.name, variables=VALUES, language="fr").sms_text
    with clinic.at(clinic.lumiere, write=False):
        assert "asks you" in notifications.preview(INVITATION.name, variables=VALUES, language="en").sms_text


def test_going_back_to_the_standard_wording(clinic: Clinic) -> None:
    with clinic.at():
        templates.override(INVITATION.name, "en", sms="Hi {patient}! {link}")
        assert templates.override(INVITATION.name, "en") is None
    with clinic.at(write=False):
        assert "asks you" in notifications.preview(INVITATION.name, variables=VALUES).sms_text


@pytest.mark.parametrize(
    ("wording", "error", "says"),
    [
        ("Hi {surname}: {link}", UnknownVariable, "surname"),
        ("Hi {patient}, no link here", MissingVariable, "link"),
        ("   ", EmptyText, "empty"),
        ("x" * 1600 + "{link}", MessageTooLong, "1600"),
    ],
)
def test_a_wording_that_could_not_be_sent_is_refused(
    clinic: Clinic, wording: str, error: type[Exception], says: str
) -> None:
    with clinic.at(), pytest.raises(error, match=says):
        templates.override(INVITATION.name, "en", sms=wording)


@pytest.mark.parametrize(
    "wording",
    [
        "{link} {patient.__class__}",
        "{link} {0}",
        "{link} {patient!r}",
        "{link} { patient }",
        "{link} 100 % %(x)s {",
    ],
)
def test_a_wording_has_no_expressions(clinic: Clinic, wording: str) -> None:
    with clinic.at():
        templates.override(INVITATION.name, "en", sms=wording)
        text = notifications.preview(INVITATION.name, variables=VALUES).sms_text
    assert text == wording.replace("{link}", LINK)


def test_braces_in_a_value_are_text(clinic: Clinic) -> None:
    with clinic.at(write=False):
        seen = notifications.preview(INVITATION.name, variables={**VALUES, "note": "{link} {secret}"})
    assert seen.sms_text.endswith("{link} {secret}")


def test_a_missing_value_is_an_error_and_not_a_hole(clinic: Clinic) -> None:
    with clinic.at(write=False), pytest.raises(MissingVariable):
        notifications.preview(INVITATION.name, variables={"patient": "Ada"})


def test_a_template_that_uses_what_it_does_not_declare_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="surname"):
        Template(name="a.b", title="t", sms="{surname}", variables={}, channels=("sms",))


def test_a_template_of_a_plugin_that_is_off_does_not_exist(clinic: Clinic) -> None:
    clinic.on.clear()
    with clinic.at():
        with pytest.raises(UnknownTemplate):
            templates.find(INVITATION.name)
        assert templates.available() == []
        with pytest.raises(UnknownTemplate):
            templates.override(INVITATION.name, "en", sms="{link}")
    with pytest.raises(UnknownTemplate):
        clinic.send()


def test_the_declared_text_is_translated(clinic: Clinic) -> None:
    lazy = Template(
        name="photo_request.other", title="t", sms=_l("Delivered"), variables={}, channels=("sms",)
    )
    templates.register(lazy)
    with use_language("en-XA"):
        expected = str(lazy.sms)
    with clinic.at(write=False):
        assert notifications.preview(lazy.name, variables={}, language="en-XA").sms_text == expected
        assert expected != "Delivered"


def test_a_text_beyond_what_a_provider_takes_is_refused(clinic: Clinic) -> None:
    with clinic.at(write=False), pytest.raises(MessageTooLong):
        notifications.preview(INVITATION.name, variables={**VALUES, "note": "x" * 1600})


def test_one_recu_doubles_the_segments_and_the_preview_says_why(clinic: Clinic) -> None:
    with clinic.at(write=False):
        before = notifications.preview(INVITATION.name, variables={**VALUES, "note": "photos bien recues"})
        after = notifications.preview(INVITATION.name, variables={**VALUES, "note": "photos bien reçues"})
    assert (before.sms_encoding, before.sms_segments) == ("GSM-7", 1)
    assert (after.sms_encoding, after.sms_segments, after.sms_odd) == ("UCS-2", 2, ("ç",))


# --- states -------------------------------------------------------------------------------------------------


def test_a_waiting_message_can_be_cancelled_and_is_not_sent(clinic: Clinic) -> None:
    [sent] = clinic.send()
    with clinic.at():
        assert notifications.cancel(sent)
    assert clinic.deliver() == 0
    assert clinic.message(sent).state == "cancelled"


def test_a_message_that_went_cannot_be_cancelled(clinic: Clinic) -> None:
    [sent] = clinic.send()
    clinic.deliver()
    with clinic.at():
        assert not notifications.cancel(sent)
    assert clinic.message(sent).state == "delivered"


def test_only_what_failed_can_be_retried(clinic: Clinic) -> None:
    [sent] = clinic.send()
    with clinic.at(), pytest.raises(WrongState):
        notifications.retry(sent)
    with clinic.at():
        notifications.cancel(sent)
        notifications.retry(sent)
    assert clinic.deliver() == 1
    assert clinic.message(sent).state == "delivered"


def test_another_practices_message_is_not_there(clinic: Clinic) -> None:
    [sent] = clinic.send()
    with clinic.at(clinic.lumiere):
        assert notifications.get(sent) is None
        for act in (notifications.retry, notifications.cancel):
            with pytest.raises(LookupError):
                act(sent)


def test_a_message_that_is_too_late_is_not_sent(clinic: Clinic) -> None:
    [sent] = clinic.send(give_up_after=timedelta(seconds=-1))
    clinic.deliver()
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("dead", "message_expired")
    assert "no use" in notifications.reason(row.last_error)


def test_messages_of_a_plugin_that_was_switched_off_wait(clinic: Clinic) -> None:
    [sent] = clinic.send()
    clinic.on.clear()
    clinic.deliver()
    row = clinic.message(sent)
    assert (row.state, row.last_error, row.attempts) == ("queued", "owner_off", 0)
    assert row.due_at > db.utcnow()
    clinic.on.add("photo_request")
    clinic.make_due(sent)
    clinic.deliver()
    assert clinic.message(sent).state == "delivered"


def test_listeners_hear_each_change_and_cannot_spoil_it(clinic: Clinic) -> None:
    heard: list[str] = []

    def listen(row: Notification) -> None:
        heard.append(row.state)
        raise RuntimeError("a plugin's mistake")

    notifications.on_changed(listen)
    try:
        [sent] = clinic.send()
        clinic.deliver()
    finally:
        notifications.remove_listener(listen)
    assert heard == ["queued", "delivered"]
    assert clinic.message(sent).state == "delivered"
