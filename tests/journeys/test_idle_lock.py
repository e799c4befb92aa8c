"""The idle lock from the overlay: with a passkey, with the practice's own provider, and out of it as somebody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.security import members, oidc
from tests.journeys.looking import look_over
from tests.journeys.test_signing_in import at_localhost, authenticator, sign_in
from tests.support import oidc as providers
from tests.support.browser import Watch, Windows
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, Provider
from tests.support.oidc_visits import GUEST, invite_as_helen
from tests.support.running import Careroom


def type_half(page: Page, site: str = "") -> None:
    """Begin to write a new patient down."""
    page.goto(f"{site}/p/riverside/patients/new")
    page.get_by_label("Family name").fill("Half-typed")


def lock(page: Page) -> None:
    page.locator(".person-button").click()
    page.get_by_role("button", name="Lock", exact=True).click()
    expect(page.locator("dialog.lock")).to_be_visible()


def expect_as_left(page: Page) -> None:
    """The overlay is gone, and what was typed is there."""
    expect(page.locator("dialog.lock")).to_be_hidden()
    expect(page.get_by_label("Family name")).to_have_value("Half-typed")


def test_a_passkey_unlocks_and_another_finger_does_not(windows: Windows, careroom: Careroom) -> None:
    site = at_localhost(careroom)
    page = windows.desk()
    cdp, device = authenticator(page)
    sign_in(page, site, "grace")
    page.wait_for_url("**/p/riverside/")
    page.goto(f"{site}/account")
    page.get_by_label("Name of the new passkey").fill("Reception desk")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()

    type_half(page, site)
    lock(page)
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("[data-lock-error]")).to_be_visible()
    expect(page.locator("dialog.lock")).to_be_visible()
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    page.get_by_role("button", name="Use a passkey").click()
    expect_as_left(page)

    page.goto(f"{site}/account")  # leave the demonstration's people as they were
    page.get_by_role("button", name="Remove Reception desk").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()


@pytest.fixture
def provider(careroom: Careroom) -> Iterator[Provider]:
    """Riverside's provider, at which everybody agrees at once; gone again after the test."""
    with providers.running() as running:
        running.agrees = True
        with careroom.at("riverside", write=True):
            oidc.configure("CIS2", running.issuer, CLIENT_ID, CLIENT_SECRET, "email profile", enabled=True)
            invite_as_helen(GUEST)
        yield running
        with careroom.at("riverside", write=True):
            oidc.remove()
            for member in members.everybody():
                if member.email == GUEST:
                    members.remove(member.user_id)


def test_who_has_no_password_unlocks_in_a_new_tab_and_goes_on_in_the_old(
    windows: Windows, provider: Provider, watch: Watch
) -> None:
    page = windows.desk()
    page.goto("/login?practice=riverside")
    page.get_by_role("link", name="Sign in with CIS2").click()
    page.wait_for_url("**/p/riverside/")
    type_half(page)
    other = page.context.new_page()
    type_half(other)
    lock(page)
    expect(other.locator("dialog.lock")).to_be_visible()
    expect(page.get_by_role("link", name="Unlock with CIS2")).to_be_focused()
    look_over(page)
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    expect_as_left(page)
    expect_as_left(other)
    if not opened.value.is_closed():  # browsers differ in what a page may close
        expect(opened.value.get_by_role("heading", name="Careroom is unlocked")).to_be_visible()

    provider.claims["sub"] = "sub-of-somebody-else"
    lock(page)
    watch.expect(403, "^/login/provider$")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Unlock with CIS2").click()
    expect(opened.value.get_by_text("Nothing was unlocked.")).to_be_visible()
    expect(page.locator("dialog.lock")).to_be_visible()


def test_out_of_the_overlay_as_somebody_else(windows: Windows, watch: Watch) -> None:
    watch.expect(401, "^/session/state$")  # the other tab finds out
    page = windows.desk()
    sign_in(page, "", "tom")
    page.wait_for_url("**/p/riverside/")
    page.goto("/p/riverside/patients")
    other = page.context.new_page()
    other.goto("/p/riverside/patients")
    lock(page)
    page.get_by_role("button", name="Sign in as somebody else").click()
    page.wait_for_url("**/login")
    other.bring_to_front()
    other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    other.wait_for_url("**/login?**")
    sign_in(page, "", "amira")
    page.wait_for_url("**/p/riverside/")
