"""The pages that import a list: upload, what would happen, yes, what happened."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from core import patients
from tests.support.house import House, Visitor

IMPORT = "/p/riverside/patients/import"
LIST = (
    "First name,Surname,DOB,Mobile\n"
    "Ann,Lee,1/2/1980,07700 900123\n"
    "Bob,<b>Bad</b>,31/02/1980,\n"
    "Samuel,Okafor,{born},07700 900199\n"
)


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return html.unescape(answer.get_data(as_text=True))


def upload(person: Visitor, content: bytes, name: str = "list.csv") -> Any:
    return person.post(IMPORT, {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def figures(text: str) -> dict[str, int]:
    return {label: int(number) for label, number in re.findall(r"<dt>(.*?)</dt><dd>(\d+)</dd>", text)}


def the_list(house: House) -> bytes:
    with house.at(house.riverside, write=False):
        [samuel] = patients.search("okafor")
    return LIST.format(born=samuel.birth_date.isoformat()).encode()


def test_a_list_is_checked_confirmed_and_imported(house: House, helen: Visitor) -> None:
    url = upload(helen, the_list(house)).headers["Location"]
    checked = page(helen.get(url))
    assert figures(checked) == {
        "New patients": 1, "Already here, with changes": 1, "Already here, the same": 0, "Rows with mistakes": 1,
    }  # fmt: skip
    assert "Row 3" in checked
    assert "This date does not exist." in checked
    assert "<b>Bad" not in helen.get(url).get_data(as_text=True)
    with house.at(house.riverside, write=False):
        assert patients.search("ann lee") == []
    assert helen.post(f"{url}/confirm", {"duplicates": "update"}).status_code == 303
    assert "being imported" in page(helen.get(url))
    house.work()
    done = page(helen.get(url))
    assert figures(done) == {"Added": 1, "Updated": 1, "As they were": 0, "Rows with mistakes": 1}
    with house.at(house.riverside, write=False):
        assert len(patients.search("ann lee")) == 1
        assert patients.search("okafor")[0].mobile == "+447700900199"
    bad = helen.get(f"{url}/bad-rows.csv")
    assert bad.headers["Content-Disposition"].startswith("attachment")
    assert "This date does not exist." in bad.get_data(as_text=True)
    page(helen.post(f"{url}/confirm"), 409)


def test_patients_who_are_here_can_be_left_alone(house: House, helen: Visitor) -> None:
    url = upload(helen, the_list(house)).headers["Location"]
    helen.post(f"{url}/confirm", {"duplicates": "skip"})
    house.work()
    assert figures(page(helen.get(url)))["As they were"] == 1
    with house.at(house.riverside, write=False):
        assert patients.search("okafor")[0].mobile != "+447700900199"


def test_a_long_list_is_checked_by_the_worker(house: House, helen: Visitor) -> None:
    rows = "".join(
        f"Ann,Lee{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)},1/2/1980,\n"
        for n in range(4000)
    )
    url = upload(helen, f"First name,Surname,DOB,Mobile\n{rows}".encode()).headers["Location"]
    assert "being checked" in page(helen.get(url))
    house.work()
    assert "New patients</dt><dd>4,000" in page(helen.get(f"{url}/state"))


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"PK\x03\x04", "list.xlsx", "Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "photo.png", "picture"),
        (b"", "list.csv", "empty"),
        (b"words", "list.csv", "first row"),
        (b"\xff\xd8\xff" * 10, "list.csv", "picture"),
    ],
)
def test_other_files_are_answered_kindly(helen: Visitor, content: bytes, name: str, words: str) -> None:
    assert words in page(upload(helen, content, name), 422)


def test_no_file_is_answered_kindly(helen: Visitor) -> None:
    assert "Choose a file first." in page(helen.post(IMPORT, {}), 422)


def test_a_discarded_list_is_forgotten(house: House, helen: Visitor) -> None:
    url = upload(helen, the_list(house)).headers["Location"]
    assert helen.post(f"{url}/discard").status_code == 303
    for path in ("", "/state", "/bad-rows.csv"):
        page(helen.get(f"{url}{path}"), 404)


def test_only_who_may_import_may_and_only_here(
    house: House, helen: Visitor, visitor: Callable[[], Visitor]
) -> None:
    url = upload(helen, the_list(house)).headers["Location"]
    amira, nadia = visitor(), visitor()
    amira.sign_in("amira")
    nadia.sign_in("nadia")
    for path in (IMPORT, url, f"{url}/bad-rows.csv"):
        page(amira.get(path), 403)
        page(nadia.get(path), 404)
        page(nadia.get(path.replace("riverside", "lumiere")), 200 if path == IMPORT else 404)


def test_the_example_can_be_imported(house: House, helen: Visitor, visitor: Callable[[], Visitor]) -> None:
    nadia = visitor()
    nadia.sign_in("nadia")
    for person, slug in ((helen, "riverside"), (nadia, "lumiere")):
        base = f"/p/{slug}/patients/import"
        example = person.get(f"{base}/example.csv").get_data()
        answer = person.post(
            base, {"file": (io.BytesIO(example), "example.csv")}, content_type="multipart/form-data"
        )
        text = page(person.get(answer.headers["Location"]))
        assert re.search(r"</dt><dd>1</dd>", text)
        assert "bad-rows" not in text
