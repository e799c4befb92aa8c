"""What a plugin adds to a practice's archive: data, and the files that it names, decrypted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core import db, tenancy
from core.files.models import File
from core.patient_data import ExportPart, FileRef, practice_archive
from tests.core.patient_data.conftest import unzip
from tests.support.house import House
from tests.support.photos import a_request_with_photos


def test_files_that_a_plugin_names_are_in_it(
    house: House, install: Callable[..., None], tmp_path: Path
) -> None:
    def export_practice(ctx: Any) -> list[ExportPart]:
        one, two = [FileRef(file.id, "p.jpg") for file in db.session().scalars(select(File)).all()]
        return [ExportPart("cover.jpg", one), ExportPart("list.json", {"second": two})]

    a_request_with_photos(house, house.riverside)
    install("album", export_practice=export_practice)
    with house.at(house.riverside, write=False):
        practice = tenancy.current()
    written = practice_archive.write(tmp_path / "a.zip", practice, ["album"])
    found = unzip(written.path.read_bytes())
    assert found.members["album/cover.jpg"].startswith(b"\xff\xd8")
    assert found.members[found.json("album/list.json")["second"]].startswith(b"\xff\xd8")
    assert written.missing == []
