"""Importing lists: good rows go in, bad ones come back with reasons, whatever the file looks like."""

import csv
import io
import time

import pytest
from sqlalchemy import func, select

from core import audit, db, patients
from core.patients import ImportReport, import_runs
from core.patients.csv_reading import NotATable
from core.patients.models import PatientImport, PatientSearchWord
from tests.support.house import House

HEADER = "First name,Surname,Date of birth,Mobile,E-mail,NHS number,Patient ID"


def bring(house: House, text: str | bytes, **options: object) -> ImportReport:
    content = text if isinstance(text, bytes) else text.encode()
    with house.at(house.riverside):
        return patients.import_csv(io.BytesIO(content), **options)  # type: ignore[arg-type]


def names(house: House, query: str) -> list[str]:
    with house.at(house.riverside, write=False):
        return [one.display_name for one in patients.search(query)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_kind_of_file_is_read(house: House, encoding: str, delimiter: str, end: str) -> None:
    rows = [["Prénom", "Nom", "Né(e) le", "Tél. portable"], ["Zoë", "Lefèvre", "12/03/1980", "07700 900123"]]
    report = bring(house, (end.join(map(delimiter.join, rows)) + end).encode(encoding))
    assert (report.created, report.bad_rows) == (1, [])
    assert names(house, "lefevre zoe 07700 900123") == ["Zoë Lefèvre"]


def test_bad_rows_come_back_with_number_column_and_reason_and_cost_no_good_one(house: House) -> None:
    report = bring(
        house,
        f"{HEADER}\n"
        "Ann,Good,1/2/1980,07700 900123,ann@example.com,401 023 2137,A1\n"
        "Bob,Bad,31/02/1980,12,nope,123,A2\n"
        "\n"
        '"Open,Quote,1/1/1980,,,,A3\n'
        "Cat,Good,2/2/1980,,,,A4\n"
        ",Nobody,2/2/1980,,,,A5\n"
        "Dan,Long,2/2/1980,,,,A6,surplus\n"
        'Eve,"Two\nlines",3/2/1980,,,,A7\n'
        'Flo,5" Smith,4/2/1980,,,,A8\n'
        "Gus,Short,5/2/1980\n",
    )
    assert names(house, "good") == ["Ann Good", "Cat Good"]
    assert names(house, "two lines") == ["Eve Two lines"]
    assert report.created == 5
    problems = {row.number: dict(row.problems) for row in report.bad_rows}
    assert set(problems) == {3, 5, 7, 8}
    assert set(problems[3]) == {"Date of birth", "Mobile", "E-mail", "NHS number"}
    assert problems[3]["Date of birth"] == "This date does not exist. Check the day and the month."
    assert problems[5] == {"": "A quotation mark in this row is not closed."}
    assert problems[7] == {"First name": "Enter the first names."}
    assert "more cells" in problems[8][""]


def test_patients_who_are_here_are_updated_or_left_alone_as_chosen(house: House) -> None:
    first = f"{HEADER}\nAnn,Lee,1/2/1980,07700 900123,,401 023 2137,A1\nBob,Roe,2/2/1980,,,,\n"
    assert bring(house, first).created == 2
    again = (
        f"{HEADER}\nAnn,Lee-Smith,1/2/1980,,ann@example.com,4010232137,\nBob,ROE,2/2/1980,07700 900124,,,B1\n"
    )
    assert bring(house, again, duplicates="skip").skipped == 2
    assert names(house, "lee smith") == []
    assert bring(house, again).updated == 2
    with house.at(house.riverside, write=False):
        [ann] = patients.search("ann lee smith")
        # An empty cell erased nothing.
        assert (ann.mobile, ann.email, ann.identifier("local")) == ("+447700900123", "ann@example.com", "A1")
        [bob] = patients.search("b1")
        assert (bob.mobile, bob.identifier("local")) == ("+447700900124", "B1")
    assert bring(house, again).unchanged == 2


def test_who_is_meant_is_never_guessed(house: House) -> None:
    bring(
        house,
        f"{HEADER}\nAnn,Lee,1/2/1980,,,401 023 2137,A1\nTim,Day,1/1/2000,,,,T1\nTim,Day,1/1/2000,,,,T2\n",
    )
    report = bring(
        house,
        f"{HEADER}\n"
        "Ann,Lee,2/2/1981,,,401 023 2137,\n"  # another date of birth
        "Ann,Lee,1/2/1980,,,401 023 2137,T1\n"  # numbers of two people; also the same NHS number twice
        "Tim,Day,1/1/2000,,,,\n"  # two have this name and birthday
        "Tim,Day,1/1/2000,,,,T3\n"  # a third one, by his number
        "New,Man,3/3/1990,,,,N1\n"
        "New,Man,3/3/1990,,,,N1\n",  # twice in the file
    )
    assert report.created == 2
    assert [row.number for row in report.bad_rows] == [2, 3, 4, 7]
    assert "another date of birth" in report.bad_rows[0].problems[0][1]
    assert "Row 6" in report.bad_rows[3].problems[0][1]
    assert len(names(house, "tim day")) == 3


def test_numbers_of_two_patients_in_one_row_are_refused(house: House) -> None:
    bring(house, f"{HEADER}\nAnn,Lee,1/2/1980,,,401 023 2137,A1\nTim,Day,1/1/2000,,,,T1\n")
    report = bring(house, f"{HEADER}\nAnn,Lee,1/2/1980,,,401 023 2137,T1\n")
    assert "two different patients" in report.bad_rows[0].problems[0][1]


def test_a_dry_run_counts_the_same_and_writes_nothing(house: House) -> None:
    text = f"{HEADER}\nAnn,Lee,1/2/1980,,,,\nBob,Bad,never,,,,\n"
    dry = bring(house, text, dry_run=True)
    assert names(house, "lee") == []
    assert bring(house, text).as_json() == dry.as_json()
    assert ImportReport.from_json(dry.as_json()) == dry


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"   \n \n", "empty"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"\x89PNG\r\n", "picture"),
        (b"%PDF-1.7", "document"),
        (b"a\x00b\x00c", "CSV UTF-8"),
        (b"\x81\x8d,\x9d", "CSV UTF-8"),
        (b"just some words\nand more", "first row"),
        (b"Surname,Mobile\nLee,123", "First names, Date of birth"),
        (b"x" * (10 * 1024 * 1024 + 1), "10 MB"),
    ],
)
def test_a_file_that_is_no_list_is_refused_kindly(house: House, content: bytes, words: str) -> None:
    with pytest.raises(NotATable, match=words):
        bring(house, content)


def test_the_list_of_bad_rows_can_be_corrected_and_imported(house: House) -> None:
    report = bring(house, f'{HEADER}\n=cmd(),Lee,1/2/1980,+44 12,,,-5\n"Jo, Ann",Lee,40/1/1980,,,,\n')
    out = import_runs.bad_rows_csv(report)
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == [*HEADER.split(","), "What is wrong"]
    assert rows[1][0] == "'=cmd()"  # a spreadsheet must not run it
    assert rows[1][3] == "+44 12"
    assert rows[2][0] == "Jo, Ann"
    assert "Date of birth: This date does not exist." in rows[2][-1]
    assert bring(house, out.replace("40/1/1980", "14/1/1980").replace("+44 12", "")).created == 2


def test_each_imported_patient_is_on_the_trail(house: House) -> None:
    bring(house, f"{HEADER}\nAnn,Lee,1/2/1980,,,,\n")
    bring(house, f"{HEADER}\nAnn,Lee,1/2/1980,,a@example.com,,\n")
    with house.at(house.riverside, write=False) as session:
        [ann] = patients.search("ann lee")
        entries = session.scalars(
            select(audit.AuditEntry)
            .where(audit.AuditEntry.patient_id == ann.id)
            .order_by(audit.AuditEntry.seq)
        ).all()
    assert [(entry.action, entry.detail) for entry in entries] == [
        ("patient.created", {"by": "import"}),
        ("patient.changed", {"by": "import", "fields": ["email"]}),
    ]


def nhs_numbers(count: int) -> list[str]:
    made: list[str] = []
    first_nine = 401_000_000
    while len(made) < count:
        total = sum(
            int(digit) * weight for digit, weight in zip(str(first_nine), range(10, 1, -1), strict=True)
        )
        if (last := 11 - total % 11) != 10:
            made.append(f"{first_nine}{last % 11}")
        first_nine += 1
    return made


def test_ten_thousand_rows_with_a_hundred_bad_ones(house: House) -> None:
    rows = [HEADER]
    for number, nhs in enumerate(nhs_numbers(10_000)):
        born = (
            "31/02/1980" if number % 100 == 7 else f"{1 + number % 28}/{1 + number % 12}/{1930 + number % 90}"
        )
        rows.append(
            f"Ann{chr(97 + number % 26)},O'Neil-{number % 300},{born},07700 900{number % 1000:03},,{nhs},R{number}"
        )
    text = "\n".join(rows)
    started = time.perf_counter()
    report = bring(house, text)
    print(f"\n10,000 rows imported in {time.perf_counter() - started:.1f} s")
    assert (report.created, report.bad) == (9_900, 100)
    started = time.perf_counter()
    assert bring(house, text).unchanged == 9_900
    print(f"10,000 rows compared in {time.perf_counter() - started:.1f} s")
    with house.at(house.riverside, write=False) as session:
        started = time.perf_counter()
        assert [one.identifier("local") for one in patients.search("oneil r9999")] == ["R9999"]
        print(f"searched in {1000 * (time.perf_counter() - started):.0f} ms")
        assert session.scalar(select(func.count(PatientSearchWord.id))) or 0 > 9_900


def test_an_import_ends_after_a_worker_died_half_way(house: House) -> None:
    text = f"{HEADER}\nAnn,Lee,1/2/1980,,,,\nBob,Bad,never,,,,\n".encode()
    scopes = lambda **options: house.at(house.riverside, **options)  # noqa: E731
    with house.at(house.riverside):
        row_id = import_runs.receive("list.csv", text).id
    import_runs.check(row_id, scopes)
    with house.at(house.riverside):
        assert import_runs.report_of(import_runs.confirm(row_id, "update")).created == 1

    def dies(**options: object) -> object:
        dies.calls += 1  # type: ignore[attr-defined]
        if dies.calls == 3:  # type: ignore[attr-defined]
            raise RuntimeError("the worker was killed")
        return scopes(**options)

    dies.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError):
        import_runs.run(row_id, dies)  # type: ignore[arg-type]
    import_runs.run(row_id, scopes)
    import_runs.run(row_id, scopes)  # a job may run twice
    assert names(house, "ann lee") == ["Ann Lee"]
    with house.at(house.riverside, write=False):
        row = import_runs.get(row_id)
        report = import_runs.report_of(row)
        assert (row.state, report.created + report.unchanged, report.bad) == ("done", 1, 1)
        assert db.session().scalar(select(PatientImport.content)) is None
