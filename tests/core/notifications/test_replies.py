"""STOP and START: what a patient answers to a text, through the real route with the provider's real signature."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from core import audit, db, i18n, links, notifications, patients, tenancy
from core.links import tokens
from core.notifications import confirming, replies
from core.notifications.errors import ConsentMissing
from core.notifications.masking import hash_of_link
from core.patients import contact_states
from core.patients.models import ContactState
from core.web import contact
from tests.core.notifications.conftest import SENDER
from tests.peers.clinic import Clinic
from tests.peers.twilio_server import ACCOUNT_SID, AUTH_TOKEN, twilio_server

INBOUND = "/providers/twilio/inbound"
ADAS = "+447700900123"


def answer(client: FlaskClient, body: str, **changes: str) -> Any:
    form = {"MessageSid": "SM1", "From": ADAS, "To": SENDER, "Body": body, **changes}
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"https://care.example{INBOUND}", form)
    return client.post(INBOUND, data=form, headers={"X-Twilio-Signature": signature})


def consent(clinic: Clinic, patient_id: UUID, practice_id: UUID | None = None) -> ContactState | None:
    with clinic.at(practice_id, write=False):
        return contact_states.of(patient_id).get("sms")


def said(clinic: Clinic, patient_id: UUID) -> str:
    """What the workspace says of texts to this patient."""
    with clinic.at(write=False), i18n.use_language("en-GB"):
        state = contact_states.of(patient_id).get("sms")
        assert state is not None
        return contact._consent("sms", state.consent, state)  # type: ignore[arg-type]  # a column: any text


@pytest.mark.parametrize("word", ["STOP", " stop. ", "Stop all", "ARRÊT", "Arrêter", "unsubscribe", "Quit!"])
def test_words_that_stop(word: str) -> None:
    assert replies.word_in(word) == "stop"


@pytest.mark.parametrize("word", ["stop it hurts", "Please do not stop", "", "27 3 1985", "stopp"])
def test_words_that_do_not(word: str) -> None:
    assert replies.word_in(word) is None


@pytest.mark.both_databases
def test_stop_refuses_texts_in_every_practice_and_start_gives_them_back(
    clinic: Clinic, client: FlaskClient
) -> None:
    with clinic.at(clinic.lumiere):
        there = patients.create(
            given_names="Ada", family_name="Byron", birth_date="1980-12-10", mobile=ADAS
        ).id
    assert answer(client, "STOP").status_code == 200
    for patient_id, practice_id in ((clinic.ada, clinic.riverside), (there, clinic.lumiere)):
        state = consent(clinic, patient_id, practice_id)
        assert state is not None
        assert (state.consent, state.consent_how, state.consent_by) == ("refused", "reply", None)
        assert state.consent_at is not None
        with clinic.at(practice_id, write=False):
            entry = next(one for one in audit.history(limit=5) if one.action == "patient.consent_changed")
            assert (entry.actor_kind, entry.patient_id) == ("patient", patient_id)
            assert entry.detail == {"channel": "sms", "consent": "refused", "how": "reply"}
            assert ADAS not in str(entry.detail)
    assert "the patient answered STOP on" in said(clinic, clinic.ada)
    assert ":" in said(clinic, clinic.ada), "with the time"
    with pytest.raises(ConsentMissing):
        clinic.send()
    assert answer(client, "Start").status_code == 200
    assert "the patient answered START on" in said(clinic, clinic.ada)
    clinic.send()


def test_what_waits_does_not_go_after_a_stop(clinic: Clinic, client: FlaskClient) -> None:
    [waiting] = clinic.send()
    answer(client, "STOP")
    assert clinic.deliver() == 1
    row = clinic.message(waiting)
    assert (row.state, row.last_error, row.attempts) == ("dead", "consent_refused", 1)


def test_what_the_patient_told_the_staff_start_does_not_undo(clinic: Clinic, client: FlaskClient) -> None:
    with clinic.at():
        contact_states.set_consent(clinic.ada, "sms", "refused")
    answer(client, "STOP")
    answer(client, "START")
    state = consent(clinic, clinic.ada)
    assert state is not None
    assert (state.consent, state.consent_how) == ("refused", "staff")


def test_other_texts_change_nothing(clinic: Clinic, client: FlaskClient) -> None:
    assert answer(client, "Thank you, see you on Monday").status_code == 200
    assert answer(client, "STOP", From="Riverside").status_code == 200
    assert answer(client, "STOP", To="+441632960777").status_code == 200, "another number of the account"
    assert answer(client, "STOP", From="+447700900999").status_code == 200, "nobody's number"
    assert answer(client, "START").status_code == 200, "nothing was stopped"
    assert consent(clinic, clinic.ada) is None


def test_the_providers_own_word_counts_in_any_language(clinic: Clinic, client: FlaskClient) -> None:
    answer(client, "Basta", OptOutType="STOP")
    state = consent(clinic, clinic.ada)
    assert state is not None
    assert state.consent == "refused"


def test_a_text_that_the_provider_did_not_sign_changes_nothing(clinic: Clinic, client: FlaskClient) -> None:
    form = {"MessageSid": "SM1", "From": ADAS, "To": SENDER, "Body": "STOP"}
    for signature in ("", "bm90IGl0", RequestValidator("x").compute_signature("https://care.example/", form)):
        answered = client.post(INBOUND, data=form, headers={"X-Twilio-Signature": signature})
        assert answered.status_code == 403
    assert consent(clinic, clinic.ada) is None


@pytest.mark.both_databases
def test_a_number_that_the_provider_turns_down_counts_as_a_stop(clinic: Clinic) -> None:
    [first] = clinic.send()
    with twilio_server(refusals={ADAS: 21610}) as peer:
        clinic.deliver(
            sms_backend="twilio",
            twilio_account_sid=ACCOUNT_SID,
            twilio_auth_token=SecretStr(AUTH_TOKEN),
            twilio_from=SENDER,
            twilio_api_base=peer.url,
        )
    assert clinic.message(first).last_error == "recipient_opted_out"
    assert "the provider said on" in said(clinic, clinic.ada)
    with pytest.raises(ConsentMissing):
        clinic.send()


# --- a link that was opened ----------------------------------------------------------------------------------------


def test_the_hash_in_a_message_is_the_one_that_the_link_keeps() -> None:
    token = tokens.new_token()
    assert hash_of_link(f"Please: https://care.example/l/{token}.") == tokens.digest(token)
    assert hash_of_link("https://care.example/join/" + token) is None


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("channels", "one_off", "confirmed"),
    [
        (["sms"], None, "sms"),
        (["email"], None, "email"),
        (["sms", "email"], None, None),
        (["sms"], "+447700900555", None),
    ],
)
def test_a_link_that_was_opened_confirms_where_it_was_sent(
    clinic: Clinic, channels: list[Any], one_off: str | None, confirmed: str | None
) -> None:
    with clinic.at():
        issued = links.issue("photo_request.photos", clinic.ada, db.uuid7())
        notifications.send(
            "photo_request.invitation",
            patient=patients.get(clinic.ada),
            channels=channels,
            variables={"patient": "Ada", "link": issued.url, "note": ""},
            key=None,
            recipient=one_off,
        )
    with clinic.at():
        assert confirming.link_opened(clinic.ada, issued.link.token_hash) is None, "nothing has left yet"
    clinic.deliver()
    with clinic.at():
        assert confirming.link_opened(clinic.ada, issued.link.token_hash) == confirmed
        assert confirming.link_opened(clinic.ada, "0" * 64) is None
    with clinic.at(write=False):
        states = contact_states.of(clinic.ada)
        assert {name for name, state in states.items() if state.verified_how == "link"} == {confirmed} - {
            None
        }


# --- a practice that is suspended ----------------------------------------------------------------------------------


def test_messages_of_a_suspended_practice_stay_until_it_is_taken_up_again(clinic: Clinic) -> None:
    [fresh] = clinic.send()
    [old] = clinic.send("email", give_up_after=timedelta(seconds=1))
    with clinic.at():
        tenancy.held().status = "suspended"
    clinic.deliver()
    for one in (fresh, old):
        row = clinic.message(one)
        assert (row.state, row.last_error, row.attempts) == ("queued", "practice_suspended", 0)
    with clinic.at(write=False):
        assert notifications.held_back() == 2
    assert clinic.deliver() == 0
    with clinic.at() as session:
        tenancy.held().status = "active"
        session.get_one(notifications.Notification, (clinic.riverside, old)).expires_at = db.utcnow()
        session.flush()
        notifications.let_go()
    clinic.deliver()
    assert clinic.message(fresh).state == "delivered"
    assert (clinic.message(old).state, clinic.message(old).last_error) == ("dead", "message_expired")
