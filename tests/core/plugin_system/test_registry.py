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


def test_a_lower_priority_comes_first_and_the_order_of_finding_does_not_matter(
    fresh: Registry, configured: Settings
) -> None:
    made = [make("x_a"), make("x_b", priority=10), make("x_c", priority=10, requires=("x_d",)), make("x_d")]
    for plugins in (made, made[::-1]):
        fresh.load(configured, plugins)
        assert names(fresh) == ["x_b", "x_a", "x_d", "x_c"]


def test_what_is_refused_takes_along_who_requires_it_and_not_who_uses_it(
    fresh: Registry, configured: Settings
) -> None:
    fresh.load(
        configured,
        [
            make("x_a", requires=("x_nobody",)),
            make("x_b", requires=("x_a",)),
            make("x_c", uses=("x_b",)),
            make("x_d", requires=("x_e",)),
            make("x_e", requires=("x_d",)),
            make("x_f", uses=("x_d",)),
            make("x_g", requires=("x_e",)),
        ],
    )
    assert names(fresh) == ["x_c", "x_f"]
    assert reasons(fresh)["x_b"] == "requires x_a"
    assert reasons(fresh)["x_g"] == "requires x_e"
    assert {refusal.name for refusal in fresh.refused if refusal.code == "circle"} == {"x_d", "x_e"}


def test_a_refusal_is_told_in_words(fresh: Registry, configured: Settings) -> None:
    fresh.load(configured, [make("x_a", requires=("x_nobody",))])
    (refusal,) = fresh.faults
    assert refusal.sentence == "It needs x_nobody, which is not installed or cannot be used."


def test_a_second_plugin_of_a_name_is_refused(
    fresh: Registry, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module_name in ("x_first", "x_second"):
        module = ModuleType(module_name)
        module.plugin = make("x_same", title=module_name)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module_name, module)
    fresh.load(configured.model_copy(update={"plugin_paths": ("x_first", "x_second")}))
    assert fresh.get("x_same").title == "x_first"
    assert [refusal.code for refusal in fresh.faults] == ["twice"]


def test_safe_mode_names_what_it_left_out_and_blames_nobody(fresh: Registry, configured: Settings) -> None:
    fresh.load(configured.model_copy(update={"safe_mode": True}))
    assert "photo_request" in {refusal.name for refusal in fresh.refused}
    assert fresh.faults == []


@pytest.mark.parametrize("package", ["x_nowhere", "core.errors"])
def test_a_package_that_is_none_takes_only_its_own_plugin_down(
    fresh: Registry, configured: Settings, package: str
) -> None:
    fresh.load(configured, [make("x_a", package=package), make("x_b")])
    assert names(fresh) == ["x_b"]
    assert "no package that can be imported" in reasons(fresh)["x_a"]
