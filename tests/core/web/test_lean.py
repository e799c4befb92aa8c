"""Modules go out without comments and indentation, and stay the same programs."""

from __future__ import annotations

from core.web.lean import lean


def test_whole_lines_of_comment_and_indentation_go() -> None:
    source = '/** What it is for. */\nconst a = 1; // kept\n  // gone\n  /**\n   * gone\n   */\n  use("// kept");\n'
    assert lean(source) == 'const a = 1; // kept\nuse("// kept");\n'


def test_what_a_template_holds_over_several_lines_stays() -> None:
    source = "const a = `\n  // text\n`;\n"
    assert lean(source) == source
