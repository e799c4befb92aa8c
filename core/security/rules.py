"""What a practice asks of sign-ins: a second factor, and after how long a browser that nobody uses locks itself."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask_appbuilder.security.sqla.models import User
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import audit, tenancy
from core.i18n import LazyString, _l
from core.security import passkeys, totp
from core.tenancy import Practice

PERMISSION: Final = "core.manage_sign_in"
_KEY: Final = "sign_in"


def _said(default: Any, title: LazyString, description: LazyString, **more: Any) -> Any:
    # Pydantic asks for text where we have text that waits for its reader's language; it hands it on untouched.
    words: dict[str, Any] = {"title": title, "description": description}
    return Field(default, **words, **more)


class SignInRules(BaseModel):
    """Kept in the practice's profile as what differs from the defaults. idle_minutes: 0 locks never."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    second_factor: Literal["optional", "required"] = _said(
        "optional",
        _l("Second factor"),
        _l("When it is required, everybody sets up codes or a passkey before they go on working here."),
        json_schema_extra={
            "options": {"optional": _l("Everybody decides for themselves"), "required": _l("Required")}
        },
    )
    idle_minutes: int = _said(
        15,
        _l("Lock after"),
        _l(
            "When nobody has touched a computer for so long, it asks for the password before it shows anything. What "
            "was typed is kept. 0: never."
        ),
        ge=0,
        le=240,
        json_schema_extra={"unit": _l("minutes")},
    )


def of(practice: Practice) -> SignInRules:
    """The rules of a practice. What is stored and no longer fits falls back to the default."""
    stored = dict(practice.profile.get(_KEY) or {})
    while True:
        try:
            return SignInRules.model_validate(stored)
        except ValidationError as error:
            for wrong in {str(item["loc"][0]) for item in error.errors() if item["loc"]}:
                stored.pop(wrong, None)


def save(values: dict[str, Any]) -> SignInRules:
    """Make these the current practice's rules. Raises pydantic's ValidationError; nothing is stored then."""
    rules = SignInRules.model_validate(values)
    practice = tenancy.held()
    before = of(practice)
    practice.profile = {**practice.profile, _KEY: rules.model_dump(mode="json", exclude_defaults=True)}
    changed = sorted(
        name for name in SignInRules.model_fields if getattr(rules, name) != getattr(before, name)
    )
    audit.record("sign_in.rules_changed", detail={"fields": ", ".join(changed)})
    return rules


def second_factors(user: User) -> frozenset[str]:
    """What this person can show beside the password ("totp", "passkey"), in the current scope."""
    held = {"totp": totp.is_on(user.id), "passkey": bool(passkeys.of_user(user.id))}
    return frozenset(name for name, is_there in held.items() if is_there)
