"""One of everything in a running Careroom: the rows that its pages are about, by the names that routes use for them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import pyotp
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from core import audit, db, demo, tenancy
from core.links import tokens
from core.notifications import Notification, inbox
from core.patient_data import erasures, exports, practice_exports
from core.patients import Patient, import_runs
from core.plugin_system import registry
from core.security import create_user, emergency, invitations, roles, totp
from core.security.models import Invitation, PasswordReset
from plugins.video_call import sample
from plugins.video_call.models import Call
from tests.journeys import acting
from tests.journeys.people import People, Person
from tests.support.running import Careroom

OPERATOR, WITH_CODES = "opal", "otto"
_ROWS = b"first names,family name,date of birth\nNora,Ashbury,29/02/1984\nTheo,Bradford,31/02/1990\n"


@dataclass(frozen=True, slots=True)
class Everything:
    """values: arguments of routes; links: what was sent to the patient (and a guest), as it stands in the messages."""

    person: Person
    values: Mapping[str, Any]
    links: tuple[str, ...]

    def given(self, **values: Any) -> dict[str, Any]:
        """The values, some of them replaced."""
        return {**self.values, **values}


def make(careroom: Careroom, people: People) -> Everything:
    """One of everything at Riverside, made by Helen; inside ``careroom.inside()``."""
    person, restricted, erased = people.new(), people.new(), people.new()
    with careroom.at("riverside") as session:
        practice_id = tenancy.current().id
        users = {user.username: user.id for user in session.scalars(select(User))}
    helen = audit.Actor("staff", str(users["helen"]), "Helen Price")
    values: dict[str, Any] = {
        "practice_slug": "riverside", "practice": "riverside", "slug": "riverside", "practice_id": practice_id,
        "patient_id": person.id, "record_id": restricted.id, "user_id": users["amira"], "colour": "1f6feb",
        "owner": "photo_request", "slot": "video_call.sidebar", "filename": "photo_request.css",
    }  # fmt: skip
    before = set(_links(careroom))
    with audit.use_actor(helen):
        for plugin in registry:
            if find_spec(f"{plugin.package}.sample") is not None:
                values |= importlib.import_module(f"{plugin.package}.sample").make(practice_id, person.id)
        values |= _of_the_core(careroom, person, restricted, erased)
    values |= _of_accounts(users["tom"])
    values["subject_id"] = values["call_id"]
    with careroom.at("riverside") as session:
        over = select(Call.id).where(Call.patient_id == person.id, Call.state == "ended")
        values["ended_call_id"] = session.scalars(over).one()
    values["notification_id"] = _an_email(careroom)
    links = tuple(link for link in _links(careroom) if link not in before)
    with audit.use_actor(helen):
        values["planned_call_id"] = sample.invite(practice_id, person.id, in_hours=48)
    return Everything(person, values, links)


def _of_the_core(careroom: Careroom, person: Person, restricted: Person, erased: Person) -> dict[str, Any]:
    with careroom.at("riverside", write=True) as session:
        made: dict[str, Any] = {
            "export_id": exports.request(session.get_one(Patient, _key(person))).id,
            "erasure_id": erasures.request(session.get_one(Patient, _key(erased))).id,
            "import_id": import_runs.receive("patients.csv", _ROWS).id,
            "key": roles.make("Front desk", "Answers the phone", ["core.view_patients"]),
            "join": tokens.new_token(),
        }
        practice_exports.request()
        emergency.set_restricted(restricted.id, True)
        amira = session.scalars(select(User).where(User.username == "amira")).one()
        emergency.open_record(person.id, amira, "role", "She rang about her results")
        invited = invitations.invite("ines@example.com", "Ines", "Costa", "clinician")
        session.flush()
        session.execute(
            update(Invitation)
            .where(Invitation.id == invited.id)
            .values(token_hash=tokens.digest(made["join"]))
        )
    import_runs.check(made["import_id"], lambda write=True: careroom.at("riverside", write=write))
    with careroom.at("riverside"):
        (made["item_id"], *_others) = [
            one.id for one in inbox.items(0, frozenset({emergency.OVERSEE}), limit=5)
        ]
    return made


def _of_accounts(somebody: int) -> dict[str, Any]:
    """An operator, somebody who signs in with codes, and a link for a new password."""
    token = tokens.new_token()
    with db.scope() as session:
        create_user(OPERATOR, "opal@example.com", "Opal", "Reed", demo.PASSWORD, is_operator=True)
        codes = create_user(WITH_CODES, "otto@example.com", "Otto", "Lind", demo.PASSWORD, is_operator=True)
        secret = totp.waiting_secret(codes.id)
        assert totp.confirm(codes.id, pyotp.TOTP(secret).now())
        session.add(
            PasswordReset(
                user_id=somebody,
                token_hash=tokens.digest(token),
                expires_at=db.utcnow() + timedelta(hours=1),
            )
        )
    return {"new_password": token}


def _key(person: Person) -> tuple[UUID, UUID]:
    return tenancy.current().id, person.id


def _links(careroom: Careroom) -> list[str]:
    with careroom.at("riverside") as session:
        bodies = session.scalars(select(Notification.body).order_by(Notification.created_at))
        return list(dict.fromkeys(link for body in bodies for link in acting.LINK.findall(body)))


def _an_email(careroom: Careroom) -> UUID:
    with careroom.at("riverside") as session:
        return session.scalars(select(Notification.id).where(Notification.channel == "email").limit(1)).one()
