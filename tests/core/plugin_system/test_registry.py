"""Finding and ordering plugins: a bad one is left out with its reason, and the platform starts."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from core.plugin_system import ManifestError, Permission, Registry, wiring
from core.settings import Settings
from tests.support.plugins import make


@pytest.fixture
def fresh(configured: Settings) -> Registry:
    yield Registry()
    wiring.start(configured)


def names(found: Registry) -> list[str]:
    return [plugin.name for plugin in found if plugin.name.startswith("x_")]


def reasons(found: Registry) -> dict[str, str]:
    return {refusal.name: refusal.reason for refusal in found.refused}


def test_dependencies_come_first_then_names(fresh: Registry, configured: Settings) -> None:
    fresh.load(
        configured,
        [make("x_a", requires=("x_c",)), make("x_b"), make("x_c", uses=("x_d",)), make("x_d")],
    )
    assert names(fresh) == ["x_b", "x_d", "x_c", "x_a"]


def test_a_missing_requirement_and_a_circle_are_refused_with_their_reason(
    fresh: Registry, configured: Settings
) -> None:
    fresh.load(
        configured,
        [
            make("x_a", requires=("x_nobody",)),
            make("x_b", requires=("x_c",)),
            make("x_c", requires=("x_b",)),
            make("x_d"),
        ],
    )
    assert names(fresh) == ["x_d"]
    assert reasons(fresh)["x_a"] == "requires x_nobody"
    assert "circle" in reasons(fresh)["x_b"]
    assert "circle" in reasons(fresh)["x_c"]


def test_a_plugin_for_another_api_is_refused(
    fresh: Registry, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("x_too_new")
    module.plugin = make("x_too_new", api=">=2")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "x_too_new", module)
    fresh.load(configured.model_copy(update={"plugin_paths": ("x_too_new", "x_not_there")}))
    assert reasons(fresh)["x_too_new"] == "asks for plugin API >=2"
    assert reasons(fresh)["x_not_there"].startswith("ModuleNotFoundError")


def test_hooks_with_wrong_arguments_are_refused(fresh: Registry, configured: Settings) -> None:
    from core.plugin_system import hookimpl

    hooks = ModuleType("hooks")

    @hookimpl
    def patient_panels(patient: object) -> list[object]:
        return []

    hooks.patient_panels = patient_panels  # type: ignore[attr-defined]
    fresh.load(configured, [make("x_wrong", hooks=hooks)])
    assert names(fresh) == []
    assert "x_wrong" in reasons(fresh)


def test_safe_mode_starts_with_none(fresh: Registry, configured: Settings) -> None:
    fresh.load(configured.model_copy(update={"safe_mode": True}), [make("x_a")])
    assert list(fresh) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "core"},
        {"name": "Bad-Name"},
        {"version": "one"},
        {"api": "whatever"},
        {"permissions": (Permission("other.view", "x"),)},
        {"permissions": (Permission("view", "x"),)},
    ],
)
def test_a_manifest_that_cannot_be_taken_is_refused_when_made(fields: dict[str, object]) -> None:
    with pytest.raises(ManifestError):
        make(**{"name": "x_a", **fields})
