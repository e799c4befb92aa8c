"""Passkeys with Chromium's own virtual authenticator, and the idle lock that keeps what was typed."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from core.demo import PASSWORD
from core.i18n import _l
from core.notifications import inbox
from tests.journeys.looking import look_over
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom


def authenticator(page: Page, *, recognises: bool = True) -> tuple[Any, str]:
    """A device with a fingerprint reader that knows the finger (or does not)."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": recognises,
        "automaticPresenceSimulation": True,
    }
    return cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def at_localhost(careroom: Careroom) -> str:
    """Browsers give passkeys to names only."""
    return careroom.url.replace("127.0.0.1", "localhost")


def sign_in(page: Page, site: str, username: str) -> None:
    page.goto(f"{site}/login")
    page.get_by_label("User name or e-mail address").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_added_and_is_a_whole_sign_in(
    windows: Windows, careroom: Careroom, watch: Watch
) -> None:
    site = at_localhost(careroom)
    page = windows.desk()
    cdp, device = authenticator(page)
    sign_in(page, site, "grace")
    page.wait_for_url("**/p/riverside/")
    page.goto(f"{site}/account")
    look_over(page)
    page.get_by_label("Name of the new passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    expect(page.get_by_text("My laptop")).to_be_visible()
    (credential,) = cdp.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "localhost"

    page.get_by_role("link", name="Riverside Surgery").first.click()
    page.locator(".person-button").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    look_over(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/p/riverside/")

    # From now on the password alone is not enough.
    page.locator(".person-button").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, site, "grace")
    page.wait_for_url("**/login/second-step")
    look_over(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/p/riverside/")

    # A finger that the device does not know opens nothing.
    page.locator(".person-button").click()
    page.get_by_role("button", name="Sign out").click()
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("[data-passkey-error]")).to_be_visible()
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/p/riverside/")

    page.goto(f"{site}/account")
    page.get_by_role("button", name="Remove My laptop").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    page.goto(f"{site}/")
    page.locator(".person-button").click()
    page.get_by_role("button", name="Sign out").click()
    watch.expect(422, "^/login/passkey$")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey is not known here.")).to_be_visible()


def test_the_idle_lock_covers_the_page_and_keeps_what_was_typed(
    windows: Windows, careroom: Careroom, watch: Watch
) -> None:
    page = windows.desk()
    page.clock.install()
    page.goto("/login")
    page.locator("input[name=username]").fill("tom")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/p/riverside/")
    page.goto("/p/riverside/patients/new")
    page.get_by_label("Family name").fill("Half-typed")
    other = page.context.new_page()
    other.goto("/p/riverside/patients")
    cover = page.locator("dialog.lock")
    expect(cover).to_be_hidden()
    watch.expect(423, "/live/ticket$")  # what the pages ask for by themselves
    page.clock.fast_forward("15:30")
    expect(cover).to_be_visible()
    expect(other.locator("dialog.lock")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(cover).to_be_visible()
    look_over(page)

    # The server refuses as well, whatever the page shows.
    watch.expect(423, "/bell$")
    status = page.evaluate(
        "fetch('/p/riverside/bell', {headers: {'X-Panel': '1'}}).then((answer) => answer.status)"
    )
    assert status == 423

    watch.expect(422, "^/session/unlock$")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("[data-lock-error]")).to_contain_text("That is not right")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    expect(cover).to_be_hidden()
    expect(other.locator("dialog.lock")).to_be_hidden()
    expect(page.get_by_label("Family name")).to_have_value("Half-typed")

    # Long enough for the pages' tickets to run out: what happens now is heard all the same.
    bell = page.locator('[data-panel="core.bell"]')
    before = bell.inner_text()
    for each in (page, other):
        expect(each.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    with careroom.at("riverside", write=True):
        inbox.notify(
            _l("The bell was heard after the lock"), url="/patients", permission="core.work", key="lock"
        )
    expect(bell).not_to_have_text(before, use_inner_text=True)

    page.locator(".person-button").click()
    page.get_by_role("button", name="Lock", exact=True).click()
    expect(cover).to_be_visible()
