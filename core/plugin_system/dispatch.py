"""Calls the hooks of the plugins that are on, each by itself.

pluggy stops at the first exception and loses what the others answered; here one plugin's fault is its own. Which
implementations a set of enabled plugins has is remembered per (hook, set), never per practice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core import db, metrics
from core.plugin_system import activation
from core.plugin_system.hookspecs import CONTRACTS, Contract
from core.plugin_system.registry import registry

log = structlog.get_logger(__name__)
Implementation = Callable[..., Any]


class WrongAnswer(TypeError):
    """A hook implementation answered something that its contract does not allow."""


_cached: dict[tuple[int, str, frozenset[str]], tuple[tuple[str, Implementation], ...]] = {}


def call(hook: str, ctx: Any, *, owner: str | None = None) -> list[Any]:
    """Ask every enabled plugin (or only ``owner``) and answer what they gave, in the plugins' order.

    An implementation that raises or breaks its contract is logged and left out; with the policy "veto" its
    exception is raised instead.
    """
    contract = CONTRACTS[hook]
    answers: list[Any] = []
    for name, function in _implementations(hook, activation.enabled()):
        if owner is not None and name != owner:
            continue
        with metrics.timed(metrics.HOOK_SECONDS.labels(hook, name)):
            answers += _ask(hook, contract, name, function, ctx)
    return answers


def _implementations(hook: str, on: frozenset[str]) -> tuple[tuple[str, Implementation], ...]:
    key = (id(registry.manager), hook, on)
    found = _cached.get(key)
    if found is None:
        by_plugin = {
            impl.plugin_name: impl.function for impl in getattr(registry.manager.hook, hook).get_hookimpls()
        }
        found = tuple((p.name, by_plugin[p.name]) for p in registry if p.name in on and p.name in by_plugin)
        _cached[key] = found
    return found


def _ask(hook: str, contract: Contract, name: str, function: Implementation, ctx: Any) -> list[Any]:
    if contract.policy == "veto":
        return _checked(contract, function(ctx=ctx))
    try:
        if db.is_write():
            with db.savepoint():
                return _checked(contract, function(ctx=ctx))
        return _checked(contract, function(ctx=ctx))
    except Exception as error:
        if isinstance(error, SQLAlchemyError) and not db.is_write():
            db.recover()
        metrics.HOOK_FAILURES.labels(hook, name).inc()
        log.exception("hook_failed", hook=hook, plugin=name, error=type(error).__name__)
        return []


def _checked(contract: Contract, answer: Any) -> list[Any]:
    if contract.item is None or answer is None:
        return []
    if not isinstance(answer, list) or not all(isinstance(item, contract.item) for item in answer):
        raise WrongAnswer(f"expected a list of {contract.item.__name__}")
    return answer
