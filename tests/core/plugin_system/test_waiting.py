"""What happened while a plugin was off reaches it when it is on again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, update

from core import db, files, jobs
from core.jobs import JobRow
from core.plugin_system import activation, registry, wiring
from core.plugin_system.contexts import FileContext
from tests.support.bad_plugins import with_hooks
from tests.support.house import House

KIND = "core.file_processed"
heard: list[str] = []


@pytest.fixture
def plugin(house: House) -> Iterator[None]:
    heard.clear()

    def hears(ctx: Any) -> None:
        assert isinstance(ctx, FileContext)
        heard.append(ctx.file.state)

    wiring.start(house.settings)
    registry.load(house.settings, [with_hooks("x_files", file_processed=hears)])
    jobs.register(*files.JOBS)
    activation.forget()
    yield
    wiring.start(house.settings)


@pytest.mark.both_databases
def test_a_plugin_that_was_off_hears_of_its_pictures_when_it_is_on(house: House, plugin: None) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "JPEG")
    picture.seek(0)
    with house.at(house.riverside):
        files.receive(picture, owner="x_files", name="knee.jpg")
        activation.disable("x_files")
    jobs.run_due(100_000)
    jobs.run_due(100_000)
    assert heard == []
    with house.at(house.riverside) as session:
        waits = [row.state for row in session.scalars(select(JobRow).where(JobRow.kind == KIND))]
        assert "queued" in waits
        activation.enable("x_files")
        session.execute(
            update(JobRow).where(JobRow.kind == KIND).values(due_at=db.utcnow() - timedelta(minutes=1))
        )
    jobs.run_due(100_000)
    assert heard == ["ready"]
