"""The Plugins page: who may, what it shows, switching, settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.plugin_system import activation, plugin_settings, registry
from tests.support.house import House, Visitor

URL = "/p/riverside/admin/plugins"
ASKED = ["reads_patients", "sends_sms", "sends_email", "stores_files"]
FORM = {
    "link_days": "",
    "max_photos": "4",
    "default_channel": "email",
    "guidance": "Hold still.",
    "record_years": "10",
}


@pytest.fixture
def helen(visitor: Callable[[], Visitor]) -> Visitor:
    """The practice admin of Riverside."""
    browser = visitor()
    browser.sign_in("helen")
    return browser


def is_on(house: House, name: str = "photo_request") -> bool:
    with house.at(house.riverside, write=False):
        activation.forget()
        return name in activation.enabled()


def test_a_clinician_is_told_why_not(visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("amira")
    answer = browser.get(URL)
    assert answer.status_code == 403
    assert "Your role in this practice does not include it" in answer.get_data(as_text=True)
    assert browser.post(f"{URL}/photo_request/disable").status_code == 403


def test_a_card_says_what_the_plugin_is_and_may_do(helen: Visitor) -> None:
    page = helen.get(URL).get_data(as_text=True)
    plugin = registry.get("photo_request")
    for words in (
        plugin.title,
        plugin.summary,
        f"Version {plugin.version}",
        "Sends text messages",
        "Switch off",
    ):
        assert str(words) in page


def test_off_and_on_again(helen: Visitor, house: House) -> None:
    answer = helen.post(f"{URL}/photo_request/disable", follow_redirects=True)
    assert "is switched off. Its data is kept." in answer.get_data(as_text=True)
    assert not is_on(house)
    assert 'href="/p/riverside/photo_request' not in helen.get(URL).get_data(as_text=True)
    helen.post(f"{URL}/photo_request/enable", {"agreed": ASKED})
    assert is_on(house)


def test_the_other_practice_keeps_its_plugin(helen: Visitor, house: House) -> None:
    helen.post(f"{URL}/photo_request/disable")
    with house.at(house.lumiere, write=False):
        assert "photo_request" in activation.enabled()
    assert helen.post("/p/lumiere/admin/plugins/photo_request/disable").status_code == 404


def test_switching_needs_a_post_with_a_token(helen: Visitor, house: House) -> None:
    assert helen.get(f"{URL}/photo_request/disable").status_code == 405
    assert helen.client.post(f"{URL}/photo_request/disable").status_code == 400
    assert is_on(house)


def test_an_unknown_plugin_is_not_found(helen: Visitor) -> None:
    for method, path in (("post", "nope/enable"), ("post", "nope/disable"), ("get", "nope/settings")):
        assert getattr(helen, method)(f"{URL}/{path}").status_code == 404


def test_settings_are_stored_and_shown(helen: Visitor, house: House) -> None:
    assert helen.post(f"{URL}/photo_request/settings", FORM).status_code == 303
    with house.at(house.riverside, write=False):
        activation.forget()
        stored = plugin_settings.of("photo_request").model_dump()
    assert (stored["max_photos"], stored["default_channel"], stored["link_days"]) == (4, "email", None)
    page = helen.get(f"{URL}/photo_request/settings").get_data(as_text=True)
    assert "Hold still." in page
    assert 'value="4"' in page


def test_wrong_values_are_told_beside_the_field_and_nothing_typed_is_lost(
    helen: Visitor, house: House
) -> None:
    answer = helen.post(f"{URL}/photo_request/settings", {**FORM, "max_photos": "99", "guidance": "<b>"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="field-max_photos-error"' in page
    assert "Enter 10 or less." in page
    assert 'value="99"' in page
    assert "&lt;b&gt;" in page
    with house.at(house.riverside, write=False):
        activation.forget()
        assert plugin_settings.of("photo_request").model_dump()["max_photos"] == 10


def test_reset_brings_the_defaults_back(helen: Visitor, house: House) -> None:
    helen.post(f"{URL}/photo_request/settings", FORM)
    helen.post(f"{URL}/photo_request/settings", {"action": "reset"})
    with house.at(house.riverside, write=False):
        activation.forget()
        assert plugin_settings.of("photo_request") == registry.get("photo_request").settings()
