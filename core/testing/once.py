"""What the tests' process works out once, and not anew for each test.

Every test has an application of its own. To compile its templates, to write the functions that build its URLs and to
hash the passwords of who signs in took longer than most tests do; what comes of it is the same in all of them.
(PYTEST_DONT_REWRITE: nothing is asserted here.)
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import CodeType
from typing import Any, Final, Literal

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from core.security import passwords


class CompiledTemplates(BytecodeCache):
    """Templates that some application of this process has compiled, by their name and what stands in them."""

    def __init__(self) -> None:
        self._compiled: Final[dict[tuple[str, str], CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Hand out what was compiled from the same source."""
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was just compiled."""
        if bucket.code is not None:
            self._compiled[bucket.key, bucket.checksum] = bucket.code


class RuleBuiltWhenAsked(Rule):
    """A rule that writes the function for its URLs when the first one is asked for: most never are."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        write = super()._compile_builder
        written: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            if not written:
                written.append(write(append_unknown))
            return written[0](rule, **values)

        return build


class RememberingHasher(PasswordHasher):
    """Hashes as it always does, and does not work out again that a password fits a hash."""

    def __init__(self, like: PasswordHasher) -> None:
        super().__init__(like.time_cost, like.memory_cost, like.parallelism)
        self._fits: Final[set[tuple[str | bytes, str | bytes]]] = set()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        """Raises what PasswordHasher raises when they do not fit."""
        if (hash, password) not in self._fits:
            super().verify(hash, password)
            self._fits.add((hash, password))
        return True


def pytest_configure() -> None:
    """Every application that is made from now on."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    Flask.url_rule_class = RuleBuiltWhenAsked
    passwords._hasher = RememberingHasher(passwords._hasher)  # type: ignore[misc]  # Final, but for tests


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not look through all of it again and again."""
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 50)
