"""What a manifest may say, and the sentence that says what is wrong with it."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, SecretStr

from core.i18n import use_language
from core.notifications import Template
from core.plugin_system import Capability, ManifestError, SettingsTest, calls
from core.plugin_system.capabilities import in_words, keys
from tests.support.plugins import make


class Nested(BaseModel):
    inner: int = 1


class HoldsModel(BaseModel):
    nested: Nested = Nested()


class HoldsSecrets(BaseModel):
    tokens: list[SecretStr] = []


class NoDefault(BaseModel):
    token: str


class Fine(BaseModel):
    token: SecretStr | None = None


def _same(stored: dict[str, object]) -> dict[str, object]:
    return stored


def _button(settings: BaseModel) -> str:
    return "done"


_TEXT = Template(name="x_a.hello", title="x", subject="x", text="x", sms="x", variables={}, channels=("sms",))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"conflicts": ("x_a",)}, "cannot name itself"),
        ({"requires": ("x_b",), "conflicts": ("x_b",)}, "both need x_b and be in conflict"),
        ({"regions": ("uk",)}, "no country code"),
        ({"locales": ("english",)}, "no language"),
        ({"capabilities": ("sends_sms",)}, "no capability"),
        ({"capabilities": (Capability.SENDS_SMS,), "default_on": True}, "on by default"),
        ({"templates": (_TEXT,)}, "needs Capability.SENDS_SMS"),
        ({"settings": dict}, "pydantic model"),
        ({"settings": HoldsModel}, "settings are flat"),
        ({"settings": HoldsSecrets}, "use SecretStr alone"),
        ({"settings": NoDefault}, "need defaults that fit: token"),
        ({"settings_version": 3, "settings_migrations": {1: _same}}, "needs settings_migrations from 1 to 2"),
        ({"settings_migrations": {1: _same}}, "needs settings_migrations from nothing"),
        ({"settings_tests": (SettingsTest("a", "A", _button), SettingsTest("a", "B", _button))}, "same name"),
    ],
)
def test_what_cannot_be_taken_is_said(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        make("x_a", **fields)


def test_a_full_manifest_is_taken() -> None:
    made = make(
        "x_a",
        regions=("FR", "BE"),
        locales=("fr", "en-GB"),
        conflicts=("x_b",),
        capabilities=(Capability.SENDS_SMS, calls("api.example.com")),
        templates=(_TEXT,),
        settings=Fine,
        settings_version=2,
        settings_migrations={1: _same},
        quality="gold",
    )
    assert keys(made.capabilities) == {"sends_sms", "calls:api.example.com"}


@pytest.mark.parametrize("host", ["", "localhost", "https://api.example.com", "api.example.com/x", "a b.com"])
def test_only_a_host_can_be_called(host: str) -> None:
    with pytest.raises(ValueError, match="not the name of a host"):
        calls(host)


def test_stored_capabilities_are_told_in_the_readers_language() -> None:
    stored = ["calls:api.example.com", "sends_sms", "of_another_version"]
    assert in_words(stored) == ["Sends text messages", "Talks to api.example.com", "of_another_version"]
    with use_language("fr"):
        assert "of_another_version" in in_words(stored)
        assert "Sends text messages" not in in_words(stored)
