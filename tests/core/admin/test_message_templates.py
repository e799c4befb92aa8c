"""Message templates: the list, rewording, looking, resetting, what is refused, two admins at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import notifications
from core.i18n import use_language
from core.notifications import TemplateOverride, UnknownTemplate, samples, staff, templates
from tests.support.house import House, Visitor

LIST = "/p/riverside/admin/templates"
URL = f"{LIST}/photo_request.invitation"
OWN = {
    "subject": "Photos, please",
    "text": "Dear {patient}\n\n{link}\n\nUntil {expires}.",
    "sms": "{practice}: photos please {link}",
}


def stored(house: House, practice: str = "riverside") -> list[tuple[str, str, str | None]]:
    with house.at(getattr(house, practice), write=False) as session:
        return [(row.template, row.language, row.sms) for row in session.query(TemplateOverride)]


def test_the_list_names_every_template_of_what_is_on(helen: Visitor) -> None:
    page = helen.get(LIST).get_data(as_text=True)
    assert "Photos received" in page
    assert "photo_request.invitation?language=fr" in page
    helen.post("/p/riverside/admin/plugins/photo_request/disable")
    assert "Photos received" not in helen.get(LIST).get_data(as_text=True)
    assert helen.get(URL).status_code == 404


def test_only_who_manages_messages_may(visitor: Callable[[], Visitor]) -> None:
    amira = visitor()
    amira.sign_in("amira")
    assert amira.get(LIST).status_code == 403
    assert amira.post(URL, OWN).status_code == 403
    assert amira.post(f"{URL}/preview", OWN).status_code == 403


@pytest.mark.both_databases
def test_own_words_are_kept_for_one_language_and_sent(helen: Visitor, house: House) -> None:
    assert helen.post(f"{URL}?language=fr", OWN).status_code == 303
    assert stored(house) == [("photo_request.invitation", "fr", OWN["sms"])]
    assert stored(house, "lumiere") == []
    with house.at(house.riverside, write=False):
        values = samples.sample_values(
            templates.find("photo_request.invitation"), "fr", link="https://x.org/l"
        )
        said = notifications.preview("photo_request.invitation", variables=values, language="fr-FR")
        english = notifications.preview("photo_request.invitation", variables=values, language="en")
    assert said.sms_text == "Riverside Surgery: photos please https://x.org/l"
    assert "No app needed" in english.sms_text
    assert "own words" in helen.get(LIST).get_data(as_text=True)


def test_a_text_like_the_standard_one_is_not_stored_as_an_own(helen: Visitor, house: House) -> None:
    with house.at(house.riverside, write=False), use_language("en"):
        standard = templates.reworded(templates.find("photo_request.invitation"), "en", {}).texts()
    helen.post(f"{URL}?language=en", {**standard, "sms": OWN["sms"]})
    with house.at(house.riverside, write=False) as session:
        (row,) = session.query(TemplateOverride)
        assert (row.subject, row.text, row.sms) == (None, None, OWN["sms"])
    helen.post(f"{URL}?language=en", standard)
    assert stored(house) == []


@pytest.mark.parametrize(
    ("part", "text", "says"),
    [
        ("sms", "Photos please", "The text must contain “{link}”."),
        ("sms", "{lien} {link}", "“{lien}” cannot be used here."),
        ("text", "   ", "The text is empty."),
        ("subject", "x" * 201, "This text has 201 characters. Shorten it to 200 or fewer."),
        ("sms", "{link}" + "x" * 1600, "This text message has 1606 characters."),
        ("text", "https://evil.example/?to={link}", "Leave a space before and after “{link}”"),
    ],
)
def test_what_could_not_be_sent_is_refused_and_nothing_typed_is_lost(
    helen: Visitor, house: House, part: str, text: str, says: str
) -> None:
    answer = helen.post(URL, {**OWN, "subject": "Kept <b>", part: text})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert f'id="field-{part}-error"' in page
    if part != "subject":
        assert "Kept &lt;b&gt;" in page
    assert stored(house) == []


def test_the_preview_counts_and_warns_and_stores_nothing(helen: Visitor, house: House) -> None:
    plain = helen.post(f"{URL}/preview", OWN).get_data(as_text=True)
    assert "Riverside Surgery: photos please http" in plain
    assert "1 part, " in plain
    assert "plain alphabet (GSM-7)" in plain
    odd = helen.post(f"{URL}/preview", {**OWN, "sms": "Réçu ê " * 9 + "{link} { note }"}).get_data(
        as_text=True
    )
    assert "extended alphabet (Unicode)" in odd
    assert "Because of ç ê only 70 characters fit into a part. Without, it would take 1 part." in odd
    assert "{ note }" in odd
    assert "<html" not in odd
    assert stored(house) == []


def test_a_button_looks_at_it_without_a_script(helen: Visitor, house: House) -> None:
    answer = helen.post(URL, {**OWN, "action": "preview"})
    assert answer.status_code == 200
    assert "Riverside Surgery: photos please http" in answer.get_data(as_text=True)
    assert stored(house) == []


def test_the_standard_text_comes_back(helen: Visitor, house: House) -> None:
    helen.post(URL, OWN)
    assert "Back to the standard text" in helen.get(URL).get_data(as_text=True)
    answer = helen.post(URL, {"action": "reset"}, follow_redirects=True)
    assert "The standard text is back." in answer.get_data(as_text=True)
    assert stored(house) == []


@pytest.mark.parametrize("template", staff.TEMPLATES, ids=lambda template: template.name)
def test_letters_about_accounts_are_nobodys_to_reword(
    helen: Visitor, house: House, template: templates.Template
) -> None:
    """An account reaches beyond the practice: its keys go where the platform says."""
    assert template.name not in helen.get(LIST).get_data(as_text=True)
    stolen = {"subject": "Look", "text": "https://evil.example/reset?to={link}"}
    url = f"{LIST}/{template.name}"
    answers = helen.get(url), helen.post(url, stolen), helen.post(f"{url}/preview", stolen)
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    with house.at(house.riverside), pytest.raises(UnknownTemplate):
        templates.override(template.name, "en", text="Elsewhere {link}")
    assert stored(house) == []


@pytest.mark.both_databases
def test_a_stored_wording_that_would_hand_a_key_on_is_not_used(house: House) -> None:
    """Rows from before the rule: of an account's letter, and of a patient's with something glued to the link."""
    with house.at(house.riverside) as session:
        for name in ("core.password_reset", "photo_request.invitation"):
            session.add(
                TemplateOverride(
                    template=name, language="en", text="https://evil.example/?to={link}", sms="Own {link}"
                )
            )
    with house.at(house.riverside, write=False):
        reset = templates.wording(templates.find("core.password_reset"), "en")
        photos = templates.wording(templates.find("photo_request.invitation"), "en")
    assert "evil.example" not in reset.text + photos.text
    assert photos.sms == "Own {link}"


def test_who_saves_second_sees_what_the_first_has_changed(
    helen: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    page = helen.get(URL).get_data(as_text=True)
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    other = visitor()
    other.sign_in("helen")
    other.post(URL, {**OWN, "seen": seen})
    mine = {**OWN, "sms": "Mine {link}", "seen": seen}
    answer = helen.post(URL, mine)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Somebody else has changed this text meanwhile" in page
    assert "{practice}: photos please {link}" in page
    assert "Mine {link}" in page
    again = page.partition('name="seen" value="')[2].partition('"')[0]
    assert helen.post(URL, {**mine, "seen": again}).status_code == 303
    assert stored(house) == [("photo_request.invitation", "en", "Mine {link}")]


def test_every_change_is_on_the_trail(helen: Visitor, house: House) -> None:
    helen.post(URL, OWN)
    page = helen.get("/p/riverside/admin/audit?action=template.changed").get_data(as_text=True)
    assert "Helen Price" in page


def test_samples_must_be_of_declared_variables() -> None:
    with pytest.raises(ValueError, match="a sample for"):
        templates.Template(
            name="x.y", title="t", variables={}, sms="Hi", channels=("sms",), samples={"a": "b"}
        )
