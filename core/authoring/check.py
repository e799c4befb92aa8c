"""`careroom plugin check`: every rule, by tier, and the report of what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from core.authoring import (
    accessibility,
    escaping,
    gating,
    migrations,
    patient_data,
    source,
    tenancy,
    timing,
    words,
)
from core.authoring.inspection import Inspection
from core.authoring.rules import TIERS, Finding, NothingToDo, NotMeasured, Rule, tier_of


def gates(place: Inspection) -> list[str]:
    """Every surface, one after the other."""
    return [problem for gate in gating.GATES for problem in gate(place)]


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "imports",
        "bronze",
        "Of Careroom it imports core.sdk and nothing else",
        "Import from core.sdk. What is not there is worth an issue, not a way around.",
        source.imports,
    ),
    Rule(
        "gating",
        "bronze",
        "Off for a practice, it is not there: routes, hooks, panels, menus, jobs, messages, sockets, static files",
        "Declare the surface in the manifest, by StaffRoutes or PatientRoutes, or as a hook: the gate does the rest.",
        gates,
    ),
    Rule(
        "tenancy",
        "bronze",
        "Rows belong to a practice, and another practice's ids are unknown",
        "Subclass TenantModel, refer with tenant_key, look rows up with db.get, answer 404 for what is not there.",
        tenancy.look,
    ),
    Rule(
        "escaping",
        "bronze",
        "A patient called <script> is a name on every page and panel",
        "Render templates with render(); never mark a patient's words as safe.",
        escaping.look,
    ),
    Rule(
        "translations",
        "silver",
        "Every word is translated into the languages that it declares",
        "Wrap words in _() or _l(), then run `careroom plugin translate` and fill in messages.po.",
        words.look,
    ),
    Rule(
        "timing",
        "silver",
        "Hooks and panels are quick, also with many rows",
        "Ask for all rows in one query (selectinload, in_), and leave work for the panel's view or a job.",
        timing.look,
    ),
    Rule(
        "data",
        "silver",
        "A patient's data is handed over and erased",
        "Implement the hooks export_patient and erase_patient for every table that names a patient.",
        patient_data.look,
    ),
    Rule(
        "docs",
        "silver",
        "It says what it is: README, summary, docstrings, words for permissions and settings",
        "Write for the one who reads it next.",
        source.documentation,
    ),
    Rule(
        "accessibility",
        "gold",
        "Its pages hold WCAG 2.2 AA at a desk and on a phone, light and dark",
        "Use the parts of ui.html and patient/ui.html; each problem names its rule, see dequeuniversity.com.",
        accessibility.look,
    ),
    # These take the plugin's tables away: last.
    Rule(
        "migrations",
        "bronze",
        "Migrations make what the models say, and go down and up again with data in it",
        "Write a revision with `careroom revision`, and its downgrade.",
        migrations.look,
    ),
    Rule(
        "uninstall",
        "silver",
        "Taken away, it leaves nothing and blocks nothing",
        'Name tables after the plugin; a foreign key to a table of the core says ondelete="CASCADE".',
        patient_data.uninstall,
    ),
)


def look_over(place: Inspection, tell: Callable[[Rule], None] = lambda rule: None) -> list[Finding]:
    """Hold the plugin against every rule. ``tell`` is called before each."""
    found = []
    for rule in RULES:
        tell(rule)
        began = time.monotonic()
        found.append(_held(rule, place, began))
    return sorted(found, key=lambda finding: TIERS.index(finding.rule.tier))


def _held(rule: Rule, place: Inspection, began: float) -> Finding:
    def finding(outcome: Any, *problems: str) -> Finding:
        return Finding(rule, outcome, problems, time.monotonic() - began)

    try:
        problems = rule.look(place)
    except NotMeasured as reason:
        return finding("not_measured", str(reason))
    except NothingToDo as reason:
        return finding("nothing_to_do", str(reason))
    except Exception as error:
        return finding("broken", f"could not be looked at: {type(error).__name__}: {error}"[:400])
    return finding("broken" if problems else "holds", *dict.fromkeys(problems))


_SIGNS: Final = {"holds": "ok  ", "nothing_to_do": "ok  ", "broken": "FAIL", "not_measured": "?   "}
_MOST: Final = 12


def as_text(name: str, version: str, findings: list[Finding]) -> str:
    """The report for a terminal."""
    lines = [f"{name} {version}"]
    for tier in TIERS:
        lines += ["", tier]
        for one in (finding for finding in findings if finding.rule.tier == tier):
            lines.append(
                f"  {_SIGNS[one.outcome]} {one.rule.name:14} {one.rule.promise} ({one.seconds:.1f} s)"
            )
            if one.outcome == "not_measured":
                lines.append(f"         not measured: {one.problems[0]}")
            elif one.outcome == "broken":
                lines += [f"         {problem}" for problem in one.problems[:_MOST]]
                if len(one.problems) > _MOST:
                    lines.append(f"         ... and {len(one.problems) - _MOST} more")
                lines.append(f"         -> {one.rule.advice}")
    return "\n".join([*lines, "", f"{name} is {tier_of(findings) or 'not even bronze'}."])


def as_data(name: str, version: str, findings: list[Finding]) -> dict[str, Any]:
    """The report for a program."""
    return {
        "plugin": name,
        "version": version,
        "tier": tier_of(findings),
        "rules": [
            {
                "name": one.rule.name,
                "tier": one.rule.tier,
                "promise": one.rule.promise,
                "outcome": one.outcome,
                "problems": list(one.problems),
                "advice": one.rule.advice if one.outcome == "broken" else "",
                "seconds": round(one.seconds, 2),
            }
            for one in findings
        ],
    }
