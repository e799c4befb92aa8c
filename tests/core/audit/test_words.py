"""Whoever reads the trail reads words: every action that is noted anywhere has some, in each language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import core.app  # noqa: F401 - every room of the house says what its codes mean
from core import audit, i18n
from core.links.changes import LinkChange
from core.plugin_system import activation
from plugins.photo_request import models
from plugins.video_call import states

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)+")
# What is put together while it runs, by the file that does it: (what it begins with, how it may go on).
PUT_TOGETHER = {
    "core/web/gate.py": ("", ("link.used", "patient.viewed")),
    "core/links/changes.py": ("link.", get_args(LinkChange)),
    "plugins/photo_request/service.py": (
        "photo_request.",
        (models.COMPLETED, models.CANCELLED, models.EXPIRED),
    ),
    # Its record() is handed the ends by the other rooms of the plugin.
    "plugins/video_call/service.py": (
        "video_call.",
        (
            *states.STEPS,
            *("invited", "planned", "sent_again", "message", "transfer", "outcome", "feedback"),
            *("guest_invited", "guest_arrived", "guest_admitted", "guest_removed"),
        ),
    ),
    "plugins/video_call/documents.py": ("video_call.", ("drawing_kept", "still_kept")),
    "plugins/video_call/consents.py": (
        "video_call.consent_",
        ("asked", "granted", "refused", "revoked", "withdrawn"),
    ),
}
NOTING = {"audit.record", "audit.record_platform", "record", "record_platform"}
# What is handed on to a function that notes it: the name of the function, and which of its arguments it is.
HANDED_ON = {"_record": None, "_set_active": 2, "changes.note": 1}  # None: whichever it is
PREFIX = {"changes.note": "link."}


def sources() -> Iterator[Path]:
    for top in ("core", "plugins"):
        yield from sorted((ROOT / top).rglob("*.py"))


def recorded(path: Path) -> Iterator[str]:
    """The codes that a file notes; an argument that is neither a word nor known above fails."""
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or name == "core/audit/__init__.py":
            continue
        called = ast.unparse(node.func)
        if called not in NOTING and called not in HANDED_ON:
            continue
        place = 0 if called in NOTING else HANDED_ON[called]
        for argument in node.args if place is None else node.args[place : place + 1]:
            for code in constants(argument):
                if code is None:
                    known = name in PUT_TOGETHER or called == "_record" or ast.unparse(argument) == "action"
                    assert known, f"{name}:{node.lineno} puts an action together: say here what it may be"
                elif CODE.fullmatch(PREFIX.get(called, "") + code):
                    yield PREFIX.get(called, "") + code
    if name in PUT_TOGETHER:
        begins, ends = PUT_TOGETHER[name]
        yield from (f"{begins}{end}" for end in ends)


def constants(argument: ast.expr) -> Iterator[str | None]:
    if isinstance(argument, ast.IfExp):
        yield from constants(argument.body)
        yield from constants(argument.orelse)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    else:
        yield None


def test_every_action_that_is_noted_has_words() -> None:
    noted = {code: path for path in sources() for code in recorded(path)}
    assert {"patient.viewed", "link.opened", "photo_request.expired", "plugin.enabled"} <= set(noted)
    missing = {code: str(path) for code, path in noted.items() if code not in audit.described()}
    assert not missing, f"audit.describe() says nothing of {missing}"


def test_each_trail_offers_the_actions_that_can_be_on_it_and_no_others() -> None:
    """What is noted on the platform's trail alone can never match in a practice's list of actions."""
    noted: dict[str, set[str]] = {"practice": set(activation._ACTIONS.values()), "platform": set()}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "audit.record",
                "audit.record_platform",
            ):
                trail = "platform" if ast.unparse(node.func).endswith("platform") else "practice"
                noted[trail] |= {code for code in constants(node.args[0]) if code}
    assert {"sign_in.failed", "second_factor.added", "practice.created"} <= noted["platform"] - noted[
        "practice"
    ]
    assert not noted["platform"] - set(audit.described("platform"))
    assert not noted["practice"] - set(audit.described("practice"))
    assert not (noted["platform"] - noted["practice"]) & set(audit.described("practice"))
    assert not (noted["practice"] - noted["platform"]) & set(audit.described("platform"))


def test_words_are_those_of_the_reader() -> None:
    assert audit.in_words("patient.viewed") == "Record seen"
    with i18n.use_language("fr"):
        assert audit.in_words("patient.viewed") == "Dossier consulté"


@pytest.mark.parametrize(
    ("action", "words"),
    [("symptom_diary.page_read", "Symptom diary: page read"), ("gone.away_for_good", "Gone: away for good"),
     ("odd", "Odd")],
)  # fmt: skip
def test_an_action_without_words_is_its_plugins_title_and_the_codes_words(action: str, words: str) -> None:
    assert audit.in_words(action, {"symptom_diary": "Symptom diary"}) == words
