"""What the tests' process works out once, and not anew for each test.

Every test has an application and a database of its own. To compile its templates and its SQL, to write the functions
that build its URLs and to hash the passwords of who signs in took longer than most tests do; what comes of it is the
same in all of them.
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
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
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


def share_compiled_sql() -> None:
    """Give every engine of this process the same cache of compiled statements.

    A statement is kept for its dialect. The engines of tests differ in the database alone, so that those of one kind
    count as one.
    """
    statements: LRUCache[Any, Any] = LRUCache(4000)
    DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    Engine._compiled_cache = property(lambda engine: statements, lambda engine, own: None)  # type: ignore[assignment]


def pytest_configure() -> None:
    """Every application that is made from now on."""
    share_compiled_sql()
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    Flask.url_rule_class = RuleBuiltWhenAsked
    passwords._hasher = RememberingHasher(passwords._hasher)  # type: ignore[misc]  # Final, but for tests


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not look through all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # what a test leaves is little beside what is looked through for it
