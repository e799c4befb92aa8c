"""Runs the scripts of a call's tools in node, on a page made of air (fake_page.mjs)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
STATIC = Path(__file__).parents[4] / "plugins" / "video_call" / "static"


def play(script: str) -> Any:
    """Run a script against the modules of the tools; answers what it says with ``say(...)``."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    start = f"""
        const page = await import({json.dumps((HERE / "fake_page.mjs").as_uri())});
        const tools = (name) => import({json.dumps((STATIC / "tools").as_uri())} + "/" + name + ".js");
        const patient = (name) => import({json.dumps((STATIC / "patient").as_uri())} + "/" + name);
        const line = (name) => import({json.dumps((STATIC / "line").as_uri())} + "/" + name + ".js");
        const {{ answers, asked, facts, focused, host, made, mixed, recorders, room, settle, told }} = page;
        const say = (said) => {{ console.log(JSON.stringify(said)); process.exit(0); }};
    """
    answer = subprocess.run(
        [node, "--input-type=module", "-e", start + script],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
