"""People come to a practice: invited by e-mail, with a password of their own, a second factor, and several devices."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from core import audit, db, tenancy
from core.notifications import Notification
from core.security import rules
from core.security.models import Invitation
from tests.journeys import acting
from tests.journeys.people import hire
from tests.journeys.test_signing_in import at_localhost, authenticator
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually

NEW = "otter-kettle-93-lantern"
LATER = "harbour-violin-58-maple"


def newest_letter(careroom: Careroom, address: str, path: str, besides: str = "") -> str:
    """The link of the newest e-mail to this address that leads below ``path``."""

    def found() -> str | None:
        with careroom.at("riverside") as session:
            bodies = session.scalars(
                select(Notification.body)
                .where(Notification.recipient == address)
                .order_by(Notification.created_at.desc())
            )
            links = [
                link for body in bodies for link in re.findall(rf"http://\S+/{path}/[a-z2-7]{{32}}", body)
            ]
        return next((link for link in links if link != besides), None)

    return str(eventually(found, what=f"an e-mail to {address}"))


def sign_out(page: Page) -> None:
    page.locator(".person-button").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")


def test_an_invitation_leads_one_person_to_a_first_sign_in(
    windows: Windows, careroom: Careroom, watch: Watch
) -> None:
    helen = windows.clinician("helen")
    helen.goto("/p/riverside/admin/staff/invite")
    helen.get_by_label("E-mail").fill("sam.taylor@joining.example.com")
    helen.get_by_label("Given names").fill("Sam")
    helen.get_by_label("Family name").fill("Taylor")
    helen.get_by_label("Role", exact=True).select_option(label="Receptionist")
    helen.get_by_role("button", name="Send the invitation").click()
    expect(
        helen.get_by_text("An invitation is on its way to sam.taylor@joining.example.com.")
    ).to_be_visible()
    link = newest_letter(careroom, "sam.taylor@joining.example.com", "join")

    # Forwarded to somebody who works here: it is not for them.
    grace = windows.clinician("grace")
    grace.goto(link)
    expect(grace.get_by_text("You are signed in as Grace Bell")).to_be_visible()
    expect(grace.get_by_role("button", name="Make the account")).to_have_count(0)

    # Too old: it says so, and the practice sends it again.
    with careroom.at("riverside", write=True) as session:
        session.execute(update(Invitation).values(expires_at=db.utcnow() - timedelta(minutes=1)))
    sam = windows.desk()
    watch.expect(410, "^/join/")
    sam.goto(link)
    expect(sam.get_by_text("It is older than a week.")).to_be_visible()
    helen.goto("/p/riverside/admin/staff")
    helen.get_by_role("button", name="Send again: the invitation of Sam Taylor").click()
    expect(
        helen.get_by_text("An invitation is on its way to sam.taylor@joining.example.com.")
    ).to_be_visible()

    # A weak password is refused beside its field; a good one is an account, and leads straight to work.
    fresh = newest_letter(careroom, "sam.taylor@joining.example.com", "join", besides=link)
    sam.goto(fresh)
    watch.expect(422, "^/join/")
    sam.get_by_label("Password", exact=True).fill("password12")
    sam.get_by_role("button", name="Make the account").click()
    expect(sam.locator(".field-error")).to_be_visible()
    expect(sam.get_by_label("Given names")).to_have_value("Sam")
    sam.get_by_label("Password", exact=True).fill(NEW)
    sam.get_by_role("button", name="Make the account").click()
    sam.wait_for_url("**/p/riverside/")
    expect(sam.get_by_text("Welcome. Your account is ready")).to_be_visible()

    sign_out(sam)
    sam.goto(fresh)
    expect(sam.get_by_text("It was accepted already.")).to_be_visible()
    acting.sign_in(sam, "sam.taylor@joining.example.com", NEW)
    sam.wait_for_url("**/p/riverside/")
    helen.reload()
    expect(helen.get_by_role("row", name=re.compile("Sam Taylor"))).to_contain_text("Receptionist")


def test_a_new_password_codes_and_the_devices_of_an_account(
    windows: Windows, careroom: Careroom, watch: Watch
) -> None:
    hire("rosa", "Rosa", "Lindt", tenancy.CLINICIAN)
    desk, home = windows.desk(), windows.desk()

    desk.goto("/login")
    desk.get_by_role("link", name=re.compile("password", re.IGNORECASE)).click()
    desk.get_by_label("User name or e-mail address").fill("rosa@example.com")
    desk.get_by_role("button", name="Send the link").click()
    expect(desk.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    link = newest_letter(careroom, "rosa@example.com", "new-password")
    desk.goto(link)
    desk.get_by_label("New password").fill(LATER)
    desk.get_by_role("button", name="Set the password").click()
    expect(desk.get_by_text("Your new password is set.")).to_be_visible()
    watch.expect(410, "^/new-password/")
    desk.goto(link)
    expect(desk.get_by_role("heading", name="This link works no longer")).to_be_visible()
    acting.sign_in(desk, "rosa", LATER)
    desk.wait_for_url("**/p/riverside/")

    # Codes from an app: the key from the page, its first code, and codes for the day when the phone is lost.
    desk.goto("/account")
    desk.get_by_role("link", name="Set up codes").click()
    desk.get_by_text("The app is on this device").click()
    app = pyotp.TOTP(desk.locator(".account-secret").inner_text().replace(" ", ""))
    watch.expect(422, "^/account/codes$")
    desk.get_by_label("Enter the code that the app shows").fill("000000")
    desk.get_by_role("button", name="Switch codes on").click()
    expect(desk.locator(".field-error")).to_be_visible()
    desk.get_by_label("Enter the code that the app shows").fill(app.now())
    desk.get_by_role("button", name="Switch codes on").click()
    expect(desk.get_by_role("heading", name="Recovery codes")).to_be_visible()
    spare = desk.locator(".account-codes code").first.inner_text()
    desk.get_by_role("link", name="I have kept them").click()

    # At another computer the password alone is not enough; a recovery code is good once.
    acting.sign_in(home, "rosa", LATER)
    home.wait_for_url("**/login/second-step")
    home.get_by_label("Code").fill(spare)
    home.get_by_role("button", name="Go on").click()
    home.wait_for_url("**/p/riverside/")

    home.goto("about:blank")  # what is open there would be signed out, and ask in vain to go on listening

    # Both are listed; the one at home is signed out from the desk and finds the sign-in.
    desk.goto("/account")
    expect(desk.get_by_text("This device")).to_have_count(1)
    desk.get_by_role("button", name=re.compile("^Sign out (?!everywhere)")).click()
    expect(desk.get_by_text("That device is signed out.")).to_be_visible()
    home.goto("/p/riverside/patients")
    home.wait_for_url("**/login?next=**")


def test_a_practice_that_requires_it_leads_everybody_to_a_passkey(
    windows: Windows, careroom: Careroom
) -> None:
    site = at_localhost(careroom)
    page = windows.desk()
    cdp, device = authenticator(page)
    _rule("required")
    try:
        acting.sign_in(page, "jules", site=site)
        page.wait_for_url("**/account/second-factor**")
        page.goto(f"{site}/p/lumiere/patients")  # nothing of the practice opens before
        page.wait_for_url("**/account/second-factor**")
        page.locator(".choice").first.click()
        page.locator("#passkey-name").fill("Mon portable")
        page.locator("[data-passkey-add] button[type=submit]").click()
        page.wait_for_url("**/p/lumiere/patients")  # on to where they were going
        assert len(cdp.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]) == 1
        expect(page.get_by_role("heading", level=1)).to_have_text("Patients")
    finally:
        _rule("optional")


def _rule(second_factor: str) -> None:
    """What Nadia sets for Cabinet Lumière."""
    with db.scope(write=False):
        practice_id = tenancy.find_by_slug("lumiere").id
    with tenancy.practice_scope(practice_id), audit.use_actor(audit.Actor("staff", "1", "Nadia Roussel")):
        rules.save({"second_factor": second_factor})
