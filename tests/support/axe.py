"""axe-core in a page: what it finds against WCAG 2.2 AA, in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_SCRIPT = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@cache
def _script() -> str:
    if not _SCRIPT.exists():
        pytest.skip("axe-core is not installed (npm packages: scripts/setup)")
    return _SCRIPT.read_text()


COLOURS_AND_SIZES = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")
"""The rules whose answer depends on colours or on the window."""


def violations(page: Page, without: Sequence[str] = (), *, only: Sequence[str] = ()) -> list[str]:
    """What is wrong with the page as it stands: rule, help and the elements that break it. Empty when all is well.

    without: rules that cannot be meant where they are left out. only: these rules, where the others were asked before.
    """
    # evaluate() runs by the debugger and not as a script of the page, so the page's policy stays as it is.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_script())
    found: dict[str, Any] = page.evaluate(
        """([tags, without, only]) => axe.run(document, {
             runOnly: only.length ? {type: "rule", values: only} : {type: "tag", values: tags},
             rules: Object.fromEntries(without.map((rule) => [rule, {enabled: false}])),
             resultTypes: ["violations"],
           })""",
        [TAGS, without, only],
    )
    assert found["passes"] or only, "axe looked at nothing"
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n"
        + "\n".join(
            f"    {node['target']} {node['html'][:160]}\n      {node['failureSummary']}"
            for node in rule["nodes"]
        )
        for rule in found["violations"]
    ]
