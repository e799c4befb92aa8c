"""The surface test: with a plugin off, every route, hook, panel, menu entry, socket event, job, message template,
link and static file of it is dead for that practice, and alive in the other. The walking is `careroom plugin check`'s.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from flask import Flask

from core.authoring import gating
from core.authoring.inspection import Inspection
from core.plugin_system import registry
from tests.support.house import House

PLUGINS = sorted(point.name for point in entry_points(group="careroom.plugins"))


@pytest.mark.parametrize("gate", gating.GATES, ids=lambda gate: gate.__name__)
@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_that_is_off_is_not_there(app: Flask, house: House, name: str, gate: gating.Gate) -> None:
    place = Inspection(app, house, registry.get(name))
    assert place.rules(), "the plugin has routes"
    assert gate(place) == []
