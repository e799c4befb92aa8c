"""Settings: what production must say, and what is worked out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from core import settings
from core.settings import Settings

PRODUCTION = {
    "environment": "production",
    "secret_key": "s" * 40,
    "master_key": settings.new_master_key(),
    "sms_backend": "twilio",
    "email_backend": "smtp",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"secret_key": "short"}, "CAREROOM_SECRET_KEY"),
        ({"master_key": ""}, "CAREROOM_MASTER_KEY"),
        ({"master_key": "c2hvcnQ"}, "32 bytes"),
        ({"sms_backend": "capture"}, "capture sends nothing"),
        ({"email_backend": "capture"}, "capture sends nothing"),
    ],
)
def test_production_refuses_what_would_be_unsafe_or_silent(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**{**PRODUCTION, **changed})


def test_production_with_everything_said_is_closed() -> None:
    assert not Settings(**PRODUCTION).is_open_house


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings(**PRODUCTION))
    assert PRODUCTION["secret_key"] not in shown
    assert PRODUCTION["master_key"] not in shown


def test_one_folder_holds_everything_by_default(tmp_path: Path) -> None:
    made = Settings(environment="development", data_dir=tmp_path)
    assert made.database_url == f"sqlite:///{tmp_path}/careroom.db"
    assert made.blob_url == f"file://{tmp_path}/blobs"


def test_a_fresh_master_key_has_32_bytes() -> None:
    keys = {settings.new_master_key() for _ in range(20)}
    assert len(keys) == 20
    assert {len(Settings(environment="test", master_key=key).master_key_bytes) for key in keys} == {32}
