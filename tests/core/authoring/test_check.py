"""`careroom plugin check` finds what it is for: each rule against a plugin that breaks it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.authoring import catalogues, check, escaping, rules, starter, words
from core.authoring.rules import Finding, NotMeasured, Rule

ROOT = Path(__file__).parents[3]

BREAKS = {
    "imports": ("sample.py", "from core.sdk import", "from core import demo  # noqa\nfrom core.sdk import"),
    "tenancy": ("staff.py", "None:\n        abort(404)\n    audit", "None:\n        return ''\n    audit"),
    "escaping": (
        "templates/broken_box/show.html",
        "(_(\"Asked by\"), question.asked_by_name),",
        "(_(\"Asked by\"), question.asked_by_name), (_(\"Answer\"), patient.given_names|safe),",
    ),
    "translations": ("service.py", "Please write an answer.", "Please write an answer, will you?"),
    "timing": (
        "service.py",
        "    query = select(Question).where(Question.patient_id == patient_id)\n    return list(",
        "    query = select(Question).where(Question.patient_id == patient_id)\n"
        "    for one in db.session().scalars(query):\n        db.session().refresh(one)\n    return list(",
    ),
    "data": ("patient_data.py", "db.session().delete(question)", "question.answer = None"),
    "docs": ("panels.py", '"""The fragment in the patient', "# The fragment in the patient"),
    "migrations": ("models.py", "mapped_column(String(400))", "mapped_column(String(500))"),
}  # fmt: skip


def broken(folder: Path, *names: str) -> Path:
    """A new plugin with these rules broken, importable from ``folder``."""
    starter.make("broken_box", folder / "project")
    package = shutil.move(folder / "project" / "careroom_broken_box", folder / "careroom_broken_box")
    for name in names:
        file, good, bad = BREAKS[name]
        path = Path(package) / file
        text = path.read_text(encoding="utf-8")
        assert good in text, f"{name}: the starter has changed"
        path.write_text(text.replace(good, bad, 1), encoding="utf-8")
        if name == "docs":
            path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[1:]), encoding="utf-8")
    (folder / "project" / "README.md").rename(folder / "README.md")
    return folder


def looked_over(folder: Path) -> dict[str, Finding]:
    """What the rules but that of the browser find, in a process of its own: models stay mapped for ever."""
    said = subprocess.run(
        [sys.executable, "-c", _LOOK, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{folder}:{ROOT}",
             "CAREROOM_PLUGIN_PATHS": '["careroom_broken_box"]', "CAREROOM_AXE": "/nowhere"},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-3000:]
    found = {}
    for one in json.loads(said.stdout)["rules"]:
        (rule,) = (rule for rule in check.RULES if rule.name == one["name"])
        found[rule.name] = Finding(rule, one["outcome"], tuple(one["problems"]))
    return found


_LOOK = """
import json, sys, tempfile
from pathlib import Path
from core.authoring import check, inspection
from core.testing import databases
made = databases.settings_for
inspection.settings_for = lambda *a, **k: made(*a, plugin_paths=("careroom_broken_box",), **k)
with tempfile.TemporaryDirectory() as folder, inspection.opened("broken_box", Path(folder)) as place:
    found = check.look_over(place)
print(json.dumps(check.as_data("broken_box", "", found)))
"""


def test_a_new_plugin_breaks_no_rule(tmp_path: Path) -> None:
    found = looked_over(broken(tmp_path))
    assert {name: one.problems for name, one in found.items() if not one.holds} == {
        "accessibility": found["accessibility"].problems
    }
    assert found["accessibility"].outcome == "not_measured"
    assert rules.tier_of(list(found.values())) == "silver", "what was not measured is not gold"


def test_each_rule_finds_what_breaks_it(tmp_path: Path) -> None:
    """One plugin with every fault, so that it is looked over once."""
    found = looked_over(broken(tmp_path, *BREAKS))
    said = {name: one.outcome for name, one in found.items() if name in BREAKS}
    assert said == dict.fromkeys(BREAKS, "broken"), found
    assert any("sample.py" in problem and "core.demo" in problem for problem in found["imports"].problems), (
        found["imports"]
    )
    assert any("questions" in problem for problem in found["tenancy"].problems), found["tenancy"]
    assert any("<script>" in problem for problem in found["escaping"].problems), found["escaping"]
    assert any("will you?" in problem for problem in found["translations"].problems), found["translations"]
    assert any("modify_type" in problem for problem in found["migrations"].problems), found
    assert rules.tier_of(list(found.values())) is None


@pytest.mark.parametrize(
    "html",
    [
        "<p><script>window.pwned=1</script></p>",
        "<p onmouseover='window.pwned=2'>x</p>",
        "<a href=x onclick=pwned()>x</a>",
    ],
)
def test_a_name_that_runs_is_seen(html: str) -> None:
    assert escaping.injected(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>&lt;script&gt;window.pwned=1&lt;/script&gt;</p>",
        '<input value="&quot;onmouseover=&#39;window.pwned=2&#39;">',
        '<script type="application/json">{"name": "\\u003cscript>window.pwned=1"}</script>',
    ],
)
def test_a_name_that_is_a_name_is_left_alone(html: str) -> None:
    assert escaping.injected(html) == []


def test_a_tier_needs_the_tiers_below() -> None:
    def finding(tier: rules.Tier, outcome: rules.Outcome) -> Finding:
        return Finding(Rule(tier, tier, "", "", lambda place: []), outcome)

    ok, no, unknown = "holds", "broken", "not_measured"
    for outcomes, reached in (
        ((ok, ok, ok), "gold"),
        ((ok, ok, unknown), "silver"),
        ((ok, no, ok), "bronze"),
        ((no, ok, ok), None),
        ((ok, "nothing_to_do", ok), "gold"),
    ):
        found = [finding(t, o) for t, o in zip(rules.TIERS, outcomes, strict=True)]  # type: ignore[arg-type]
        assert rules.tier_of(found) == reached


def test_a_name_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for name in ("Core", "core", "two words", "1st", "a-b", "a" * 41):
        with pytest.raises(starter.CannotMake):
            starter.make(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").touch()
    with pytest.raises(starter.CannotMake, match="not empty"):
        starter.make("fine", tmp_path / "full")


@pytest.mark.parametrize("name", ["x", "question", "a_long_name_that_somebody_may_want_for_it"[:40]])
def test_a_new_plugin_is_clean_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    made = starter.make(name, tmp_path / "new")
    ruff = Path(sys.executable).parent / "ruff"
    subprocess.run([ruff, "check", "."], cwd=made, check=True, capture_output=True)
    subprocess.run([ruff, "format", "--check", "."], cwd=made, check=True, capture_output=True)
    package = made / f"careroom_{name}"
    assert list(words.source_of(package).problems("fr")) == []
    assert not words.source_of(package).is_stale("fr")


def test_an_installed_package_is_held_against_what_was_compiled(tmp_path: Path) -> None:
    package = starter.make("fine", tmp_path / "new") / "careroom_fine"
    source: catalogues.Source = words.source_of(package)
    source.po("fr").unlink()
    assert list(source.problems("fr")) == []


def test_without_axe_accessibility_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.authoring import accessibility

    monkeypatch.setenv("CAREROOM_AXE", "/nowhere/axe.min.js")
    with pytest.raises(NotMeasured, match="axe-core is not there"):
        accessibility.axe_script()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["photo_request", "video_call"])
def test_our_plugins_are_gold(name: str) -> None:
    """The tier that the manifest claims; without Chromium what can be measured."""
    subprocess.run([ROOT / "scripts" / "translations", "compile"], check=True, capture_output=True)
    command = [sys.executable, "-m", "core.cli", "plugin", "check", name, "--json"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(said.stdout)
    wrong = [one for one in found["rules"] if one["outcome"] not in ("holds", "nothing_to_do")]
    if shutil.which("chromium") is None:
        assert [one["outcome"] for one in wrong] == ["not_measured"]
    else:
        assert (found["tier"], wrong) == ("gold", [])
