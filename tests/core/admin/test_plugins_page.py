"""The Plugins page: who may, what it shows, switching, settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from pydantic import BaseModel, Field, SecretStr
from sqlalchemy import select

from core import audit, notifications
from core.errors import Refused
from core.plugin_system import SettingsTest, activation, plugin_settings, registry, wiring
from tests.support.house import House, Visitor
from tests.support.plugins import installer, make

URL = "/p/riverside/admin/plugins"
ASKED = ["reads_patients", "sends_sms", "sends_email", "stores_files"]
FORM = {
    "link_days": "",
    "max_photos": "4",
    "default_channel": "email",
    "guidance": "Hold still.",
    "record_years": "10",
}


def is_on(house: House, name: str = "photo_request") -> bool:
    with house.at(house.riverside, write=False):
        activation.forget()
        return name in activation.enabled()


def test_a_clinician_is_told_why_not(visitor: Callable[[], Visitor]) -> None:
    browser = visitor()
    browser.sign_in("amira")
    answer = browser.get(URL)
    assert answer.status_code == 403
    assert "You may not open this" in answer.get_data(as_text=True)
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


# --- consent -----------------------------------------------------------------------------------------------------


def test_switching_on_without_having_seen_what_it_asks_leads_there(helen: Visitor, house: House) -> None:
    helen.post(f"{URL}/photo_request/disable")
    answer = helen.post(f"{URL}/photo_request/enable")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/admin/plugins/photo_request/consent")
    assert not is_on(house)
    page = helen.get(f"{URL}/photo_request/consent").get_data(as_text=True)
    assert "Sends text messages" in page
    assert "Each text may cost money." in page
    for key in ASKED:
        assert f'name="agreed" value="{key}"' in page
    helen.post(f"{URL}/photo_request/enable", {"agreed": ASKED[:1]})
    assert not is_on(house), "somebody who saw less has agreed to less"


def test_what_is_on_has_nothing_to_agree_to(helen: Visitor) -> None:
    assert helen.get(f"{URL}/photo_request/consent").status_code == 303


@pytest.fixture
def wider(house: House) -> Iterator[None]:
    """Riverside agreed to less than photo_request asks for."""
    with house.at(house.riverside):
        activation.stored("photo_request").agreed = ["reads_patients"]
        activation.changed()
    yield
    activation.forget()


@pytest.mark.usefixtures("wider")
def test_a_wider_version_is_off_and_says_what_is_new(helen: Visitor, house: House) -> None:
    page = helen.get(URL).get_data(as_text=True)
    assert "Waiting for your consent" in page
    assert "Off until somebody here agrees" in page
    assert helen.get("/p/riverside/photo_request/requests").status_code == 404
    consent = helen.get(f"{URL}/photo_request/consent").get_data(as_text=True)
    assert consent.count("mini-tag-new") == 3
    helen.post(f"{URL}/photo_request/enable", {"agreed": ASKED})
    assert is_on(house)


@pytest.mark.usefixtures("wider")
def test_declining_leaves_it_off_for_good(helen: Visitor, house: House) -> None:
    helen.post(f"{URL}/photo_request/disable")
    assert "Waiting for your consent" not in helen.get(URL).get_data(as_text=True)
    assert not is_on(house)


# --- what cannot be had ------------------------------------------------------------------------------------------


def test_what_cannot_be_had_is_listed_with_its_reason(helen: Visitor, house: House) -> None:
    install = installer(house.settings)
    try:
        install(
            make("x_fr", title="Feuilles de soins", regions=("FR",)),
            make("x_lost", requires=("x_nobody",)),
        )
        page = helen.get(URL).get_data(as_text=True)
        assert "Not available here" in page
        assert "It is made for practices in France; this one is in United Kingdom." in page
        assert "It needs x_nobody, which is not installed or cannot be used." in page
        assert helen.get(f"{URL}/x_fr/consent").status_code == 303
        answer = helen.post(f"{URL}/x_fr/enable", follow_redirects=True).get_data(as_text=True)
        assert "this one is in United Kingdom" in answer
    finally:
        wiring.start(house.settings)


def test_safe_mode_says_so(helen: Visitor, house: House) -> None:
    registry.load(house.settings.model_copy(update={"safe_mode": True}))
    activation.forget()
    try:
        assert "No plugin is running" in helen.get(URL).get_data(as_text=True)
    finally:
        wiring.start(house.settings)


# --- trying settings ---------------------------------------------------------------------------------------------


def outbox(house: House) -> list[notifications.Notification]:
    with house.at(house.riverside, write=False) as session:
        return list(session.scalars(select(notifications.Notification)))


def test_a_test_message_goes_through_the_outbox_and_nothing_is_saved(helen: Visitor, house: House) -> None:
    form = {**FORM, "max_photos": "3", "try.invitation": "07700 900123"}
    answer = helen.post(f"{URL}/photo_request/settings/try/invitation", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "The invitation is on its way to" in page
    assert 'value="3"' in page, "nothing typed is lost"
    (sent,) = outbox(house)
    assert (sent.channel, sent.recipient, sent.patient_id) == ("sms", "+447700900123", None)
    assert "This is a test" in sent.body
    house.work()
    (delivered,) = outbox(house)
    assert delivered.state in ("sent", "delivered")
    with house.at(house.riverside, write=False):
        assert plugin_settings.of("photo_request").model_dump()["max_photos"] == 10
        assert "plugin.settings_tested" in [entry.action for entry in audit.history(limit=3)]


@pytest.mark.parametrize(
    ("to", "words"), [("", "Enter a mobile number"), ("12", "number"), ("a@b@c", "e-mail")]
)
def test_what_is_wrong_with_a_test_is_told(helen: Visitor, house: House, to: str, words: str) -> None:
    answer = helen.post(f"{URL}/photo_request/settings/try/invitation", {**FORM, "try.invitation": to})
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert outbox(house) == []


def test_wrong_settings_are_told_before_anything_is_tried(helen: Visitor, house: House) -> None:
    form = {**FORM, "max_photos": "99", "try.invitation": "07700900123"}
    answer = helen.post(f"{URL}/photo_request/settings/try/invitation", form)
    assert answer.status_code == 422
    assert "Enter 10 or less." in answer.get_data(as_text=True)
    assert outbox(house) == []


def test_only_what_is_on_can_be_tried(helen: Visitor, house: House) -> None:
    assert helen.post(f"{URL}/photo_request/settings/try/nothing", FORM).status_code == 404
    helen.post(f"{URL}/photo_request/disable")
    form = {**FORM, "try.invitation": "07700900123"}
    assert helen.post(f"{URL}/photo_request/settings/try/invitation", form).status_code == 404
    assert outbox(house) == []


def test_a_test_that_exits_is_a_fault_like_another(
    helen: Visitor, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exits(*_arguments: object) -> str:
        raise SystemExit

    monkeypatch.setattr(SettingsTest, "run", property(lambda _self: exits), raising=True)
    form = {**FORM, "try.invitation": "07700900123"}
    answer = helen.post(f"{URL}/photo_request/settings/try/invitation", form)
    assert answer.status_code == 422
    assert "The test itself failed." in answer.get_data(as_text=True)


# --- secrets -----------------------------------------------------------------------------------------------------


class Provider(BaseModel):
    account: str = Field("", max_length=5, title="Account")
    token: SecretStr = Field(SecretStr(""), title="Token", json_schema_extra={"section": "Provider"})


def ask_provider(settings: BaseModel) -> str:
    assert isinstance(settings, Provider)
    if settings.token.get_secret_value() != "s3cret":
        raise Refused("The provider does not know this token.")
    return "The provider says hello."


def explode(settings: BaseModel) -> str:
    raise RuntimeError("s3cret")


@pytest.fixture
def provider(house: House) -> Iterator[str]:
    """The address of the settings of a plugin with a secret, which is on at Riverside."""
    tests = (SettingsTest("ask", "Ask the provider", ask_provider), SettingsTest("boom", "Boom", explode))
    installer(house.settings)(make("x_pay", settings=Provider, settings_tests=tests))
    with house.at(house.riverside):
        activation.enable("x_pay")
    yield f"{URL}/x_pay/settings"
    wiring.start(house.settings)


def token(house: House) -> str:
    with house.at(house.riverside, write=False):
        loaded = plugin_settings.of("x_pay")
        assert isinstance(loaded, Provider)
        return loaded.token.get_secret_value()


def test_a_secret_is_kept_replaced_and_removed_and_never_shown(
    helen: Visitor, house: House, provider: str
) -> None:
    assert "Nothing is stored." in helen.get(provider).get_data(as_text=True)
    helen.post(provider, {"account": "a", "token": "s3cret"})
    page = helen.get(provider).get_data(as_text=True)
    assert "Stored, and never shown." in page
    assert "s3cret" not in page
    assert ">Provider</h2>" in page, "the section's heading"
    helen.post(provider, {"account": "b", "token": ""})
    assert token(house) == "s3cret"
    helen.post(provider, {"account": "b", "token": "other"})
    assert token(house) == "other"
    helen.post(provider, {"account": "b", "token": "", "token.remove": "1"})
    assert token(house) == ""


def test_a_typed_secret_survives_a_mistake_elsewhere_without_being_shown(
    helen: Visitor, house: House, provider: str
) -> None:
    answer = helen.post(provider, {"account": "too long", "token": "s3cret"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "s3cret" not in page
    assert "Typed and not saved yet." in page
    sealed = re.search(r'name="token.typed" value="([^"]+)"', page)
    assert sealed is not None
    assert helen.post(provider, {"account": "a", "token": "", "token.typed": sealed[1]}).status_code == 303
    assert token(house) == "s3cret"
    helen.post(provider, {"account": "a", "token": "", "token.typed": "sealed:AAAA"})
    assert token(house) == "s3cret", "what nobody sealed here counts as nothing"


def test_a_button_tries_what_is_typed_before_it_is_saved(helen: Visitor, house: House, provider: str) -> None:
    good = helen.post(f"{provider}/try/ask", {"account": "a", "token": "s3cret"})
    assert (good.status_code, token(house)) == (200, "")
    assert "The provider says hello." in good.get_data(as_text=True)
    bad = helen.post(f"{provider}/try/ask", {"account": "a", "token": "wrong"})
    assert bad.status_code == 422
    assert "does not know this token" in bad.get_data(as_text=True)


def test_a_test_that_breaks_tells_a_reference_and_no_secret(
    helen: Visitor, house: House, provider: str
) -> None:
    answer = helen.post(f"{provider}/try/boom", {"account": "a", "token": "s3cret"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Your reference for support" in page
    assert "s3cret" not in page


def test_a_plugin_without_settings_has_no_such_page(helen: Visitor, house: House) -> None:
    installer(house.settings)(make("x_plain"))
    try:
        assert helen.get(f"{URL}/x_plain/settings").status_code == 404
    finally:
        wiring.start(house.settings)


def test_each_toggle_and_change_is_on_the_trail(helen: Visitor, house: House) -> None:
    helen.post(f"{URL}/photo_request/settings", {**FORM, "max_photos": "4"})
    helen.post(f"{URL}/photo_request/disable")
    helen.post(f"{URL}/photo_request/enable", {"agreed": ASKED})
    with house.at(house.riverside, write=False):
        entries = [e for e in audit.history(limit=20) if e.action.startswith("plugin.")][:3]
    assert [e.action for e in entries] == ["plugin.enabled", "plugin.disabled", "plugin.settings_changed"]
    assert {e.actor_name for e in entries} == {"Helen Price"}
    assert "max_photos" in entries[2].detail["fields"]
    assert entries[0].detail["agreed"] == "reads_patients, sends_email, sends_sms, stores_files"
