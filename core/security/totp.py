"""Codes from an authenticator app (RFC 6238), and the recovery codes for whoever loses it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final

import pyotp
import segno
from flask_appbuilder.security.sqla.models import User
from markupsafe import Markup
from sqlalchemy import delete, func, or_, select, update

from core import audit, db
from core.security import letters, sealing
from core.security.models import Account, RecoveryCode
from core.security.sign_in import subject_of
from core.security.users import account_of

ISSUER: Final = "Careroom"
CODES: Final = 10
_PURPOSE: Final = "totp"
_STEP: Final = 30
_AROUND: Final = (-1, 0, 1)  # a watch that is half a minute wrong


# --- the app -------------------------------------------------------------------------------------------------------


def is_on(user_id: int) -> bool:
    """Does this user sign in with codes?"""
    account = db.session().get(Account, user_id)
    return account is not None and account.totp_since is not None


def waiting_secret(user_id: int) -> str:
    """The secret to put into the app before the first code confirms it; made when there is none. Writes."""
    account = account_of(user_id)
    if account.totp_since is not None:
        raise ValueError("codes are on already")
    if account.totp_secret is not None:
        try:
            return sealing.unseal(account.totp_secret, user_id, _PURPOSE)
        except sealing.Unreadable:
            pass  # the master key has changed meanwhile: a new one is made
    secret = pyotp.random_base32()
    account.totp_secret = sealing.seal(secret, user_id, _PURPOSE)
    return secret


def picture(user: User, secret: str) -> Markup:
    """The QR code that an app reads, as an image for the page."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email or user.username, issuer_name=ISSUER)
    drawn = segno.make(uri, error="m").svg_inline(border=3, light="#fff", dark="#000", omitsize=True)
    return Markup(drawn)  # noqa: S704 - paths of our own making


def confirm(user_id: int, code: str) -> list[str] | None:
    """Switch codes on when this first one is right; answers the recovery codes, which are shown once. Writes."""
    account = account_of(user_id)
    if account.totp_since is not None or account.totp_secret is None or not verify(user_id, code):
        return None
    account.totp_since = db.utcnow()
    audit.record_platform("second_factor.added", subject=subject_of(user_id), detail={"kind": "totp"})
    letters.tell_change(user_id, letters.CODES_ADDED)
    return _make_codes(user_id)


def verify(user_id: int, code: str) -> bool:
    """Is this the code of now, and was it not taken before? Writes: each code is good once."""
    account = account_of(user_id)
    digits = "".join(code.split())
    if account.totp_secret is None or not (digits.isascii() and digits.isdecimal() and len(digits) == 6):
        return False
    try:
        secret = sealing.unseal(account.totp_secret, user_id, _PURPOSE)
    except sealing.Unreadable:
        return False
    now = int(db.utcnow().timestamp()) // _STEP
    app = pyotp.TOTP(secret)
    step = next(
        (now + by for by in _AROUND if secrets.compare_digest(app.generate_otp(now + by), digits)), None
    )
    if step is None:
        return False
    taken = db.session().execute(
        update(Account)
        .where(Account.user_id == user_id)
        .where(or_(Account.totp_step.is_(None), Account.totp_step < step))
        .values(totp_step=step, totp_secret=sealing.seal(secret, user_id, _PURPOSE))
        .execution_options(synchronize_session="fetch")
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def remove(user_id: int) -> bool:
    """Switch codes off, recovery codes with them; False when they were off. Writes."""
    account = account_of(user_id)
    if account.totp_since is None:
        return False
    account.totp_secret = account.totp_since = account.totp_step = None
    db.session().execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    audit.record_platform("second_factor.removed", subject=subject_of(user_id), detail={"kind": "totp"})
    letters.tell_change(user_id, letters.CODES_REMOVED)
    return True


# --- recovery codes ------------------------------------------------------------------------------------------------


def new_recovery_codes(user_id: int) -> list[str]:
    """Replace all recovery codes; they are shown once. Writes."""
    audit.record_platform("second_factor.codes_renewed", subject=subject_of(user_id))
    letters.tell_change(user_id, letters.RECOVERY_CODES)
    return _make_codes(user_id)


def use_recovery_code(user_id: int, code: str) -> bool:
    """Is this an unused recovery code? It is used then. Writes."""
    used = db.session().execute(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _digest(code))
        .where(RecoveryCode.used_at.is_(None))
        .values(used_at=db.utcnow())
        .execution_options(synchronize_session=False)
    )
    return bool(used.rowcount)  # type: ignore[attr-defined]


def recovery_codes_left(user_id: int) -> int:
    """How many recovery codes can still be used."""
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return int(db.session().scalar(query) or 0)


def _make_codes(user_id: int) -> list[str]:
    session = db.session()
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    # 80 bits each: nothing to guess, so a plain hash is enough.
    raw = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _number in range(CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_digest(code)) for code in raw)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in raw]


def _digest(code: str) -> str:
    return hashlib.sha256("".join(letter for letter in code.lower() if letter.isalnum()).encode()).hexdigest()
