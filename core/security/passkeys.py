"""Passkeys (WebAuthn): a key pair on the person's device, unlocked there by finger, face or PIN.

They are discoverable and verify the person, so one of them is a whole sign-in: name, possession and knowledge.
The challenge waits in the signed session cookie, for five minutes and one answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from flask import request, session
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, select, update
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core import audit, db, settings
from core.security import letters
from core.security.models import Passkey
from core.security.sign_in import subject_of

Purpose = Literal["register", "sign_in"]
MOST: Final = 20
_KEY: Final = "passkey_challenge"
_SECONDS: Final = 300
_FAULTS: Final = (WebAuthnException, ValueError, KeyError, TypeError)


class PasskeyRefused(ValueError):
    """What the browser sent proves nothing."""


def are_possible() -> bool:
    """Can this site have passkeys? Browsers give none to a bare address such as 127.0.0.1."""
    host = urlsplit(origin()).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def origin() -> str:
    """Where this site is for browsers. On a developer's machine http://localhost is the same as 127.0.0.1."""
    chosen = settings.current()
    if chosen.is_open_house and request.host.partition(":")[0] == "localhost":
        return f"{request.scheme}://{request.host}"
    parts = urlsplit(chosen.base_url)
    return f"{parts.scheme}://{parts.netloc}"


# --- adding --------------------------------------------------------------------------------------------------------


def registration(user: User) -> dict[str, Any]:
    """What the browser needs to make a passkey for this user."""
    made = webauthn.generate_registration_options(
        rp_id=_site(),
        rp_name="Careroom",
        user_name=user.email or user.username,
        user_display_name=user.get_full_name(),
        user_id=_handle(user.id),
        challenge=_new_challenge("register"),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id))
            for one in of_user(user.id)
        ],
    )
    return _plain(made)


def add(user_id: int, credential: Any, name: str) -> Passkey:
    """Keep the passkey that the browser made, in the current writing scope. Raises PasskeyRefused."""
    if len(of_user(user_id)) >= MOST:
        raise PasskeyRefused("too many passkeys")
    challenge = _take_challenge("register")
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_site(),
            expected_origin=origin(),
            require_user_verification=True,
        )
    except _FAULTS as error:
        raise PasskeyRefused(type(error).__name__) from error
    made = Passkey(
        user_id=user_id,
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        name=" ".join(name.split())[:80] or "Passkey",
    )
    db.session().add(made)
    db.session().flush()
    audit.record_platform("second_factor.added", subject=subject_of(user_id), detail={"kind": "passkey"})
    letters.tell_change(user_id, letters.PASSKEY_ADDED)
    return made


def of_user(user_id: int) -> list[Passkey]:
    """A user's passkeys, oldest first."""
    return list(
        db.session().scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.created_at))
    )


def rename(user_id: int, passkey_id: UUID, name: str) -> bool:
    """Call a passkey something else; False when it is not theirs or the name is empty."""
    wanted = " ".join(name.split())[:80]
    found = db.session().get(Passkey, passkey_id)
    if found is None or found.user_id != user_id or not wanted:
        return False
    found.name = wanted
    return True


def remove(user_id: int, passkey_id: UUID) -> bool:
    """Take a passkey away; False when it is not theirs."""
    gone = db.session().execute(delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        return False
    audit.record_platform("second_factor.removed", subject=subject_of(user_id), detail={"kind": "passkey"})
    letters.tell_change(user_id, letters.PASSKEY_REMOVED)
    return True


# --- showing -------------------------------------------------------------------------------------------------------


def question() -> dict[str, Any]:
    """What the browser needs to show a passkey of whomever."""
    made = webauthn.generate_authentication_options(
        rp_id=_site(),
        challenge=_new_challenge("sign_in"),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(made)


def answer(credential: Any) -> int:
    """The user whose passkey this is, in the current writing scope. Raises PasskeyRefused."""
    challenge = _take_challenge("sign_in")
    try:
        found = db.session().scalar(select(Passkey).where(Passkey.credential_id == str(credential["id"])))
        if found is None:
            raise PasskeyRefused("unknown passkey")
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_site(),
            expected_origin=origin(),
            credential_public_key=found.public_key,
            credential_current_sign_count=found.sign_count,
            require_user_verification=True,
        )
    except _FAULTS as error:
        if isinstance(error, PasskeyRefused):
            raise
        raise PasskeyRefused(type(error).__name__) from error
    db.session().execute(
        update(Passkey)
        .where(Passkey.id == found.id)
        .values(sign_count=verified.new_sign_count, last_used_at=db.utcnow())
        .execution_options(synchronize_session=False)
    )
    return found.user_id


# --- challenges ----------------------------------------------------------------------------------------------------


def _new_challenge(purpose: Purpose) -> bytes:
    made = secrets.token_bytes(32)
    session[_KEY] = [purpose, bytes_to_base64url(made), int(time.time())]
    return made


def _take_challenge(purpose: Purpose) -> bytes:
    held = session.pop(_KEY, None)
    if not isinstance(held, list) or held[0] != purpose or time.time() - held[2] > _SECONDS:
        raise PasskeyRefused("no question was asked, or too long ago")
    return base64url_to_bytes(held[1])


def _site() -> str:
    return urlsplit(origin()).hostname or ""


def _handle(user_id: int) -> bytes:
    """Who the passkey is for, as the device keeps it: tells nothing of the person."""
    key = settings.current().secret_key.get_secret_value().encode()
    return hmac.new(key, f"passkey user:{user_id}".encode(), hashlib.sha256).digest()


def _plain(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(options_to_json(options))
    return plain
