"""What a provider says that does not count: wrong tokens, answers that come twice, providers that misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.security import limits, oidc, oidc_network
from tests.support.house import House, Visitor
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, Provider
from tests.support.oidc_visits import go, is_in, link_amira

Visit = Callable[[], Visitor]


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": [CLIENT_ID, "other"]},
        {"aud": [CLIENT_ID, "other"], "azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000},
        {"iat": 4_000_000_000},
        {"sub": ""},
    ],
)
def test_a_token_that_is_wrong_lets_nobody_in(
    house: House, provider: Provider, visitor: Visit, changed: dict[str, Any]
) -> None:
    link_amira(house, provider)
    assert is_in_after(provider, visitor)

    def spoil(header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims.update(changed)

    provider.spoil = spoil
    assert not is_in_after(provider, visitor)


def is_in_after(provider: Provider, visitor: Visit) -> bool:
    browser = visitor()
    answer = go(browser, provider)
    assert answer.status_code in (303, 400, 403)
    return is_in(browser)


def test_clocks_may_differ_by_two_minutes(house: House, provider: Provider, visitor: Visit) -> None:
    link_amira(house, provider)
    for early, allowed in ((90, True), (200, False)):
        provider.spoil = lambda header, claims, early=early: claims.update(  # type: ignore[misc]
            iat=int(time.time()) + early, exp=int(time.time()) + early + 300
        )
        assert is_in_after(provider, visitor) is allowed
    for late, allowed in ((90, True), (200, False)):
        provider.spoil = lambda header, claims, late=late: claims.update(exp=int(time.time()) - late)  # type: ignore[misc]
        assert is_in_after(provider, visitor) is allowed


def test_a_token_signed_with_our_own_secret_counts_for_nothing(
    house: House, provider: Provider, visitor: Visit
) -> None:
    link_amira(house, provider)
    provider.hmac = CLIENT_SECRET * 3
    assert not is_in_after(provider, visitor)


def test_new_keys_of_the_provider_are_found_and_old_ones_count_no_longer(
    house: House, provider: Provider, visitor: Visit
) -> None:
    link_amira(house, provider)
    assert is_in_after(provider, visitor)
    asked = provider.requests["/jwks"]
    assert is_in_after(provider, visitor)
    assert provider.requests["/jwks"] == asked, "what is known is not asked again"
    old = provider.keys
    provider.rotate()
    assert is_in_after(provider, visitor)
    published, provider.keys = provider.keys, old + provider.keys
    real = provider.id_token
    token = real("n")
    provider.keys = published
    with pytest.raises(oidc.OidcRefused):
        oidc.check(_opened(house), token, "n")


def _opened(house: House) -> oidc.Provider:
    with house.at(house.riverside, write=False):
        found = oidc.opened()
    assert found is not None
    return found


def test_an_answer_counts_once_in_the_browser_that_asked(
    house: House, provider: Provider, visitor: Visit
) -> None:
    link_amira(house, provider)
    browser = visitor()
    sent = browser.get("/login/provider/riverside")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.location).query).items()}
    back = provider.authorize(asked).removeprefix("http://127.0.0.1:8000")
    assert visitor().get(back).status_code == 400, "somebody else's browser"
    assert browser.get(back).status_code == 303
    browser.post("/logout")
    assert browser.get(back).status_code == 400
    forged = visitor()
    forged.get("/login/provider/riverside")
    assert forged.get("/login/provider?code=x&state=forged").status_code == 400
    refused = visitor()
    state = parse_qs(urlsplit(refused.get("/login/provider/riverside").location).query)["state"][0]
    assert refused.get(f"/login/provider?error=access_denied&state={state}").status_code == 400


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
def test_a_provider_that_is_away_is_said_so(
    house: House, provider: Provider, visitor: Visit, path: str
) -> None:
    link_amira(house, provider)
    provider.fails = path
    browser = visitor()
    answer = browser.get("/login/provider/riverside") if "known" in path else go(browser, provider)
    assert answer.status_code == 502
    assert "use your password" in answer.get_data(as_text=True)


@pytest.mark.parametrize("pace", [0.0, 0.05])
def test_a_code_that_is_answered_without_end_is_left(
    house: House, provider: Provider, visitor: Visit, monkeypatch: pytest.MonkeyPatch, pace: float
) -> None:
    link_amira(house, provider)
    monkeypatch.setattr(oidc_network, "_DEADLINE", 30 if not pace else 0.3)
    provider.endless, provider.pace = "/token", pace
    began = time.monotonic()
    assert go(visitor(), provider).status_code == 502
    assert time.monotonic() - began < 10
    assert provider.sent < 50_000_000, "it was not read to its end"


def test_no_address_inside_our_network_is_spoken_to(house: House, provider: Provider, visitor: Visit) -> None:
    """Unless the operator has named the host: what a practice enters, and what its provider names, is anybody's."""
    house.settings.identity_provider_hosts = ()
    assert visitor().get("/login/provider/riverside").status_code == 502
    assert provider.requests == {}
    oidc_network.forget()
    house.settings.identity_provider_hosts = ("127.0.0.1",)
    assert visitor().get("/login/provider/riverside").status_code == 302


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "100.64.0.1"]
)
def test_inner_addresses(house: House, address: str) -> None:
    with pytest.raises(oidc_network.InnerAddress):
        oidc_network._check("provider.example", address)
    oidc_network._check("provider.example", "8.8.8.8")


def test_a_provider_that_failed_is_left_alone_for_a_minute(
    house: House, provider: Provider, visitor: Visit
) -> None:
    path = "/.well-known/openid-configuration"
    provider.fails = path
    for _again in range(3):
        assert visitor().get("/login/provider/riverside").status_code == 502
    assert provider.requests[path] == 1
    oidc_network.forget()  # the minute is over
    provider.fails = None
    assert visitor().get("/login/provider/riverside").status_code == 302


def test_nobody_begins_without_end(
    house: House, provider: Provider, visitor: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.settings.rate_limits = True
    limits.forget()
    monkeypatch.setattr(limits, "PROVIDER_BY_ADDRESS", limits.Limit("provider.address", "2 per 10 minutes"))
    asked = [visitor().get("/login/provider/riverside").status_code for _ in range(3)]
    assert asked == [302, 302, 429]
    limits.forget()


@pytest.mark.parametrize("pace", [0.0, 0.05])
def test_a_provider_that_answers_without_end_is_left(
    house: House, provider: Provider, visitor: Visit, monkeypatch: pytest.MonkeyPatch, pace: float
) -> None:
    monkeypatch.setattr(oidc_network, "_DEADLINE", 30 if not pace else 0.3)
    provider.endless, provider.pace = "/.well-known/openid-configuration", pace
    began = time.monotonic()
    assert visitor().get("/login/provider/riverside").status_code == 502
    assert time.monotonic() - began < 10
    assert provider.sent < 50_000_000, "it was not read to its end"
