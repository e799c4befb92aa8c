"""An administrator rewords a message: the preview follows the typing, a press puts a variable in, axe finds nothing."""

from __future__ import annotations

from playwright.sync_api import expect

from core.notifications import templates
from tests.journeys.looking import look_over
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom


def test_rewording_a_text(windows: Windows, careroom: Careroom, watch: Watch) -> None:
    page = windows.clinician("helen")
    page.goto("/p/riverside/admin/templates")
    page.get_by_role("link", name="Photo request: English", exact=True).click()
    text, shown = page.get_by_label("Text message", exact=True), page.locator("[data-preview]")
    text.fill("Photos please: ")
    expect(shown).to_contain_text("The text must contain “{link}”.")
    page.get_by_role("button", name="Put in {link}").click()
    expect(text).to_have_value("Photos please: {link}")
    expect(text).to_be_focused()
    expect(shown).to_contain_text("1 part")
    text.press_sequentially(" ê")
    expect(shown).to_contain_text("only 70 characters fit into a part")
    look_over(page)
    text.fill("No link at all")
    watch.expect(422, "/admin/templates/")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("The text must contain “{link}”.")
    expect(text).to_have_value("No link at all")
    text.fill("Photos please: {link}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The text is saved.")).to_be_visible()
    with careroom.at("riverside"):
        kept = templates.wording(templates.find("photo_request.invitation"), "en")
        assert kept.sms == "Photos please: {link}"
        assert set(kept.reworded) == {"sms"}
    page.get_by_text("Compare with the standard text").click()
    look_over(page)
    page.get_by_role("button", name="Back to the standard text").click()
    page.get_by_role("button", name="Use the standard text").click()
    expect(page.get_by_text("The standard text is back.")).to_be_visible()
    with careroom.at("riverside"):
        assert not templates.wording(templates.find("photo_request.invitation"), "en").reworded
