"""The profile of a practice: what is taken and refused, hours, colour, logo; and what patients see of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from core import tenancy
from core.admin import practice_form
from core.admin.practice_form import Wrong
from core.tenancy import hours
from tests.support.forms import forms_of
from tests.support.house import House, Visitor

URL = "/p/riverside/admin/practice"
FORM = {
    "name": "Riverside Surgery",
    "address": "12 Mill Lane\nLeeds LS1 4DY",
    "phone": "020 7946 0018",
    "email": "desk@riverside.example",
    "ods": "a81001",
    "language": "en-GB",
    "languages": ["en", "fr"],
    "time_zone": "Europe/London",
}


def practice(house: House) -> tenancy.Practice:
    with house.at(house.riverside, write=False) as session:
        found = session.get_one(tenancy.Practice, house.riverside)
        session.expunge(found)
        return found


def seen_in(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


def png(size: tuple[int, int] = (300, 100)) -> bytes:
    made = io.BytesIO()
    Image.new("RGBA", size, (10, 90, 90, 128)).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize(
    ("language", "zone"), [("fr-CA", "America/Montreal"), ("en", "Europe/Kyiv"), ("tlh", "Europe/London")]
)
def test_what_a_practice_was_made_with_stays_an_answer(
    helen: Visitor, house: House, language: str, zone: str
) -> None:
    with house.at(house.riverside):
        made = tenancy.held()
        made.language, made.time_zone = language, zone
    page = helen.get(URL).get_data(as_text=True)
    (form,) = [one for one in forms_of(page) if one.edits and one.value("name") == "Riverside Surgery"]
    assert (form.value("language"), form.value("time_zone")) == (language, zone), "what a browser would send"
    saved = helen.post(URL, form.data(phone="020 7946 0018", ods="A81001"))
    assert saved.status_code == 303
    assert (practice(house).language, practice(house).time_zone) == (language, zone)
    assert helen.post(URL, form.data(language="fr-XX")).status_code == 422


def test_only_who_manages_the_practice_may(visitor: Callable[[], Visitor]) -> None:
    grace = visitor()
    grace.sign_in("grace")
    for path in ("", "/hours", "/look", "/look/logo"):
        assert grace.get(URL + path).status_code == 403
        assert grace.post(URL + path).status_code == 403


@pytest.mark.both_databases
def test_the_profile_is_stored_as_authorities_write_it(helen: Visitor, house: House) -> None:
    assert helen.post(URL, FORM).status_code == 303
    kept = practice(house)
    assert (kept.phone, kept.email) == ("+442079460018", "desk@riverside.example")
    assert kept.profile["identifiers"] == {"ods": "A81001"}
    page = helen.get(URL).get_data(as_text=True)
    assert 'value="020 7946 0018"' in page
    assert 'value="A81001"' in page
    assert "SIRET" not in page


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", " ", "Fill this in."),
        ("name", "x" * 121, "use at most 120 characters"),
        ("phone", "12", "number"),
        ("email", "desk@", "This is not an e-mail address."),
        ("ods", "GP", "An ODS code has 3 to 8 letters and digits"),
        ("language", "tlh", "Choose one of the answers."),
        ("time_zone", "Europe/Atlantis", "Choose one of the answers."),
        ("languages", [], "Choose at least one language."),
    ],
)
def test_wrong_values_are_told_beside_the_field_and_nothing_typed_is_lost(
    helen: Visitor, house: House, field: str, value: Any, says: str
) -> None:
    answer = helen.post(URL, {**FORM, "address": "<b>New</b>", field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="field-{field}-error"' in page
    assert says in page
    assert "&lt;b&gt;New&lt;/b&gt;" in page
    assert practice(house).email is None


@pytest.mark.parametrize(
    ("parse", "right", "stored"),
    [
        (practice_form.parse_siret, "732 829 320 00074", "73282932000074"),
        (practice_form.parse_siret, "356 000 000 49837", "35600000049837"),  # La Poste has a rule of its own
        (practice_form.parse_rpps, "10 00 12 34 56 5", "10001234565"),
        (practice_form.parse_ods, " y02345 ", "Y02345"),
    ],
)
def test_identifiers_that_hold(parse: Callable[[str], str], right: str, stored: str) -> None:
    assert parse(right) == stored


@pytest.mark.parametrize(
    ("parse", "wrong"),
    [
        (practice_form.parse_siret, "73282932000075"),
        (practice_form.parse_siret, "7328293200007"),
        (practice_form.parse_rpps, "10001234563"),
        (practice_form.parse_rpps, "1000123456x"),
        (practice_form.parse_ods, "ABC DEF GHI"),
        (practice_form.parse_ods, "A-1"),
    ],
)
def test_identifiers_with_a_slip(parse: Callable[[str], str], wrong: str) -> None:
    with pytest.raises(Wrong):
        parse(wrong)


def test_a_french_practice_has_french_identifiers(nadia: Visitor) -> None:
    page = nadia.get("/p/lumiere/admin/practice").get_data(as_text=True)
    assert 'name="siret"' in page
    assert 'name="rpps"' in page
    assert 'name="ods"' not in page


def test_who_saves_second_sees_that_another_was_first(helen: Visitor, house: House) -> None:
    seen = seen_in(helen.get(URL).get_data(as_text=True))
    helen.post(URL, {**FORM, "name": "First", "seen": seen})
    answer = helen.post(URL, {**FORM, "name": "Second", "seen": seen})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Somebody else has changed the profile meanwhile" in page
    assert 'value="Second"' in page
    assert practice(house).name == "First"
    assert helen.post(URL, {**FORM, "name": "Second", "seen": seen_in(page)}).status_code == 303
    assert practice(house).name == "Second"


def test_what_changed_is_on_the_trail(helen: Visitor) -> None:
    helen.post(URL, FORM)
    assert "Profile of the practice changed" in helen.get("/p/riverside/admin/audit").get_data(as_text=True)


def test_hours_are_stored_and_shown(helen: Visitor, house: House) -> None:
    times = {
        "day-0-0-from": "08:30",
        "day-0-0-until": "12:30",
        "day-0-1-from": "14:00",
        "day-0-1-until": "18:00",
    }
    closed = {"closed_day": ["2099-12-25", ""], "closed_name": ["Christmas", ""]}
    assert helen.post(f"{URL}/hours", {**times, **closed}).status_code == 303
    found = hours.of(practice(house))
    assert [str(span.closes) for span in found.week[0]] == ["12:30:00", "18:00:00"]
    assert list(found.closed.values()) == ["Christmas"]
    page = helen.get(f"{URL}/hours").get_data(as_text=True)
    assert 'value="14:00"' in page
    assert 'value="Christmas"' in page


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"day-2-0-from": "08:30"}, "Enter both times, or neither."),
        ({"day-2-0-from": "18:00", "day-2-0-until": "08:00"}, "must open before it closes"),
        ({"day-2-0-from": "morning", "day-2-0-until": "08:00"}, "Times read like 08:30"),
        (
            {
                "day-2-0-from": "08:00",
                "day-2-0-until": "12:00",
                "day-2-1-from": "11:00",
                "day-2-1-until": "13:00",
            },
            "The second opening begins after the first has ended.",
        ),
        ({"closed_day": [""], "closed_name": ["Fair"]}, "Which day is it?"),
        ({"closed_day": ["soon"], "closed_name": [""]}, "This is not a date."),
    ],
)
def test_hours_that_make_no_sense(helen: Visitor, house: House, typed: dict[str, Any], says: str) -> None:
    answer = helen.post(f"{URL}/hours", typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert all(f'value="{value}"' in page for value in typed.values() if isinstance(value, str))
    assert not hours.of(practice(house)).is_known


def test_a_colour_is_checked_shown_and_used_everywhere(helen: Visitor, house: House) -> None:
    page = helen.post(f"{URL}/look", {"colour": "#FFD400", "action": "preview"}).get_data(as_text=True)
    assert "so that it can be read" in page
    assert "Contrast" in page
    assert "colour" not in practice(house).profile
    assert helen.post(f"{URL}/look", {"colour": "#ffd400"}).status_code == 303
    assert "/brand/ffd400.css" in helen.get("/p/riverside/").get_data(as_text=True)
    sheet = helen.get("/brand/ffd400.css")
    assert sheet.mimetype == "text/css"
    assert "--brand:light-dark(#" in sheet.get_data(as_text=True)
    assert "immutable" in sheet.headers["Cache-Control"]
    helen.post(f"{URL}/look", {"action": "reset"})
    assert "/brand/" not in helen.get("/p/riverside/").get_data(as_text=True)


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#12345g", "#123456;}"])
def test_what_is_no_colour(helen: Visitor, colour: str) -> None:
    answer = helen.post(f"{URL}/look", {"colour": colour})
    assert answer.status_code == 422
    assert "A colour has a #" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["red.css", "FFD400.css", "ffd4000.css", "..css"])
def test_no_stylesheet_for_what_is_no_colour(helen: Visitor, path: str) -> None:
    assert helen.get(f"/brand/{path}").status_code == 404


def send_logo(browser: Visitor, content: bytes, name: str = "logo.png") -> Any:
    return browser.post(
        f"{URL}/look/logo", {"logo": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )


def shown_logo(browser: Visitor) -> str:
    page = browser.get(f"{URL}/look").get_data(as_text=True)
    return str(page.partition('src="/brand/riverside/')[2].partition('"')[0])


@pytest.mark.both_databases
def test_a_logo_is_cleaned_and_then_shown_to_everybody(
    helen: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    assert send_logo(helen, png()).status_code == 303
    assert "is being prepared" in helen.get(f"{URL}/look").get_data(as_text=True)
    assert shown_logo(helen) == ""
    house.work()
    name = shown_logo(helen)
    anybody = visitor()
    answer = anybody.get(f"/brand/riverside/{name}")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert picture.size == (300, 100)
    assert anybody.get(f"/brand/lumiere/{name}").status_code == 404
    helen.post(f"{URL}/look/logo/remove")
    assert anybody.get(f"/brand/riverside/{name}").status_code == 404
    assert shown_logo(helen) == ""


def test_a_new_logo_takes_the_place_of_the_old(helen: Visitor, house: House) -> None:
    send_logo(helen, png())
    house.work()
    first = shown_logo(helen)
    send_logo(helen, png((50, 50)))
    assert shown_logo(helen) == first
    house.work()
    assert shown_logo(helen) not in ("", first)
    assert helen.get(f"/brand/riverside/{first}").status_code == 404


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "can carry a program"),
        (b"#!/bin/sh\nrm -rf /\n", "not a picture that we can open"),
        (b"", "This file is empty."),
    ],
)
def test_a_logo_that_is_none(helen: Visitor, house: House, content: bytes, says: str) -> None:
    answer = send_logo(helen, content)
    assert 400 <= answer.status_code < 500
    assert says in answer.get_data(as_text=True)
    house.work()
    assert shown_logo(helen) == ""


def test_a_logo_that_cannot_be_opened_is_told(helen: Visitor, house: House) -> None:
    damaged = bytearray(png())
    damaged[60:70] = bytes(10)
    assert send_logo(helen, bytes(damaged)).status_code == 303
    house.work()
    page = helen.get(f"{URL}/look").get_data(as_text=True)
    assert "The last picture was not taken" in page
    assert shown_logo(helen) == ""


def test_a_logo_that_is_a_picture_and_a_script_loses_the_script(
    helen: Visitor, house: House, visitor: Callable[[], Visitor]
) -> None:
    """A polyglot: browsers would take it for a page, unzip programs for an archive."""
    script = b"<html><script>alert(document.cookie)</script></html>PK\x03\x04"
    assert send_logo(helen, png() + script, "logo.html").status_code == 303
    house.work()
    answer = visitor().get(f"/brand/riverside/{shown_logo(helen)}")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"script" not in answer.data
    assert b"PK" not in answer.data[-200:]
