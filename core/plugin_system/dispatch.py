"""Calls the hooks of the plugins that are on, each by itself.

pluggy stops at the first exception and loses what the others answered; here one plugin's fault is its own. Which
implementations a set of enabled plugins has is remembered per set, never per practice, and the way through
:func:`call` is short when nothing is wrong: it is walked many times for every page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any, Final, Generic, TypeVar

import pluggy
from sqlalchemy.exc import SQLAlchemyError

from core import db, metrics, settings
from core.errors import Refused
from core.metrics import Stopwatch
from core.plugin_system import activation, breaker, faults, tracing
from core.plugin_system.hookspecs import Contract
from core.plugin_system.registry import registry
from core.plugin_system.strictness import complaint

Implementation = Callable[..., Any]
Value = TypeVar("Value")
_KNOWN: Final = "core.plugin_system.dispatch"
_BUSY: Final = "core.plugin_system.dispatch.busy"
_LATE_ANYWAY: Final = 4
_CAUGHT: Final = (Exception, SystemExit)  # a plugin that calls exit() is a fault like another


class WrongAnswer(TypeError):
    """A hook implementation answered something that its contract does not allow."""


class Wrote(TypeError):
    """A plugin changed rows while a page was only being shown."""


class HookFailed(RuntimeError):
    """An implementation of a required hook failed. reference: of the log entry."""

    def __init__(self, hook: str, plugin: str, reference: str) -> None:
        super().__init__(f"{plugin} failed in {hook}: {reference}")
        self.hook, self.plugin, self.reference = hook, plugin, reference


@dataclass(frozen=True, slots=True)
class Call:
    """One implementation of a hook, with what is needed at each call."""

    plugin: str
    function: Implementation
    contract: Contract
    stopwatch: Stopwatch
    strict: bool


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Value]):
    """What :func:`attempt` brought: the value, or None and the reference of the fault. paused: it was not tried."""

    value: Value | None
    reference: str = ""
    paused: bool = False

    @property
    def failed(self) -> bool:
        return bool(self.reference) or self.paused


Table = dict[str, tuple[Call, ...]]
_tables: dict[frozenset[str], Table] = {}
_tables_of: pluggy.PluginManager | None = None


def call(hook: str, ctx: Any, *, owner: str | None = None) -> list[Any]:
    """Ask every enabled plugin (or only ``owner``) and answer what they gave, in the plugins' order.

    What an implementation that fails does is its contract's policy: "isolate" leaves it out; "veto" raises its
    exception; "required" raises HookFailed (or the Refused that it raised).
    """
    try:
        calls = db.known()[_KNOWN][hook]
    except KeyError:
        calls = _table()[hook]
    if not calls:
        return []
    answers: list[Any] = []
    for _plugin, answer in _ask_each(hook, calls, ctx, None if owner is None else (owner,)):
        answers += answer
    return answers


def ask(hook: str, ctx: Any, *, owner: str | None = None) -> list[Any]:
    """:func:`call` for plugins, of hooks that they publish. owner: whom alone it is about; an owned hook needs it.

    Raises TypeError for a context of another type, and for an owned hook without its owner.
    """
    contract = registry.contracts[hook]
    if contract.owned and owner is None:
        raise TypeError(f"{hook} is about what one plugin made: say whose with owner=")
    wanted = contract.context
    if not isinstance(ctx, wanted):
        raise TypeError(f"{hook} is called with {wanted.__name__}, not {type(ctx).__name__}")
    return call(hook, ctx, owner=owner)


def offers(hook: str, ctx: Any, *, owners: Collection[str] | None = None) -> list[tuple[str, Any]]:
    """The same, each item with the plugin that answered it; of ``owners`` alone when some are named."""
    calls = _table()[hook]
    return [(plugin, item) for plugin, answer in _ask_each(hook, calls, ctx, owners) for item in answer]


def attempt(plugin: str, surface: str, work: Callable[[], Value], *, budget: float) -> Outcome[Value]:
    """Let a plugin do a piece of a page (a panel) like an isolated hook: what goes wrong stays in the outcome.

    surface: what it is, in the log and for the breaker ("panel:photos").
    """
    stopwatch = metrics.HOOKS.of(faults.label_of(surface), plugin)
    if not breaker.admits(plugin, surface):
        return Outcome(None, breaker.reference(plugin), paused=True)
    with tracing.step(plugin, surface) as step:
        begun, busy = perf_counter(), thread_time()
        try:
            with _fence():
                value = work()
                if not db.is_write() and db.left_behind():
                    raise Wrote
        except _CAUGHT as error:
            step.outcome, step.reference = "failed", _failed(plugin, surface, error)
            return Outcome(None, step.reference)
        except BaseException:
            breaker.left(plugin, surface)
            raise
        took = perf_counter() - begun
        stopwatch.add(took)
        step.answered = len(value) if isinstance(value, str | list) else 0
        step.reference = _in_time(plugin, surface, took, budget, busy)
        step.outcome = "slow" if step.reference else "done"
    return Outcome(value)


def _fence() -> AbstractContextManager[None]:
    """A savepoint where a failed statement, also one that the plugin caught, would spoil what comes after."""
    return db.savepoint() if db.is_write() or db.has_fragile_transactions() else nullcontext()


def _table() -> Table:
    """The implementations of every hook for the plugins that are on here."""
    known = db.known()
    table: Table | None = known.get(_KNOWN)
    if table is None:
        table = known[_KNOWN] = _table_of(activation.enabled())
        known[_BUSY] = thread_time()
    return table


def _table_of(on: frozenset[str]) -> Table:
    global _tables_of
    if _tables_of is not registry.manager:  # the plugins were loaded anew
        _tables.clear()
        _tables_of = registry.manager
    table = _tables.get(on)
    if table is None:
        table = _tables[on] = {hook: implementations(hook, on) for hook in registry.contracts}
    return table


def implementations(hook: str, on: frozenset[str]) -> tuple[Call, ...]:
    """Who answers to a hook where these plugins are on, in the plugins' order. Nobody, where its publisher is off."""
    contract = registry.contracts[hook]
    if contract.owner != "core" and contract.owner not in on:
        return ()
    strict = settings.current().checks_hooks
    found: dict[str, list[Implementation]] = {}
    for one in getattr(registry.manager.hook, hook).get_hookimpls():
        found.setdefault(one.plugin_name, []).append(_with_context(one.function, one.argnames))
    return tuple(
        Call(plugin.name, function, contract, metrics.HOOKS.of(hook, plugin.name), strict)
        for plugin in registry
        if plugin.name in on
        for function in found.get(plugin.name, ())
    )


def _with_context(function: Implementation, names: tuple[str, ...]) -> Implementation:
    return function if names else lambda _ctx: function()


def _ask_each(
    hook: str, calls: tuple[Call, ...], ctx: Any, owners: Collection[str] | None
) -> list[tuple[str, list[Any]]]:
    if owners is not None:
        calls = tuple(one for one in calls if one.plugin in owners)
    if not calls:
        return []
    contract = calls[0].contract
    if breaker.watching or tracing.active or contract.policy != "isolate" or db.is_write():
        return [(one.plugin, _ask_with_care(hook, one, ctx)) for one in calls]
    strict, session = calls[0].strict, db.session()
    item, budget, answers = contract.item, contract.budget, []
    begun = perf_counter()
    for one in calls:
        try:
            answer = one.function(ctx)
            if db.has_left_behind(session):
                raise Wrote
            if answer:
                if answer.__class__ is not list or strict:
                    _check(hook, one, answer, strict)
                for thing in answer:
                    if not isinstance(thing, item):  # type: ignore[arg-type]  # None answers nothing: see _check
                        _check(hook, one, answer, strict)
                answers.append((one.plugin, answer))
        except _CAUGHT as error:
            _failed(one.plugin, hook, error)
        ended = perf_counter()
        took, begun = ended - begun, ended
        one.stopwatch.add(took)
        if took > budget:
            # The thread's clock is too dear for each call: since the first hook of this scope is near enough.
            _in_time(one.plugin, hook, took, budget, db.known().get(_BUSY, 0.0))
            db.known()[_BUSY] = thread_time()
    return answers


def _ask_with_care(hook: str, one: Call, ctx: Any) -> list[Any]:
    """The longer way: in a transaction that writes, for hooks that may not fail, and while something is watched."""
    isolated = one.contract.policy == "isolate"
    # A veto that is not asked would be a yes: those hooks are called whatever the breaker says.
    if isolated and not breaker.admits(one.plugin, hook):
        return []
    with tracing.step(one.plugin, hook) as step:
        begun, busy = perf_counter(), thread_time()
        try:
            answer = _ask(hook, one, ctx)
        except _CAUGHT as error:
            if not isolated and isinstance(error, Refused):
                raise  # this is how a plugin says no
            step.outcome, step.reference = "failed", _failed(one.plugin, hook, error, undo=isolated)
            if isolated:
                return []
            if one.contract.policy == "required":
                raise HookFailed(hook, one.plugin, step.reference) from error
            raise
        except BaseException:
            breaker.left(one.plugin, hook)
            raise
        took = perf_counter() - begun
        one.stopwatch.add(took)
        step.answered = len(answer)
        step.reference = _in_time(one.plugin, hook, took, one.contract.budget, busy)
        step.outcome = "slow" if step.reference else "done"
    return answer


def _ask(hook: str, one: Call, ctx: Any) -> list[Any]:
    strict = one.strict
    if db.is_write() and one.contract.policy == "isolate":
        with db.savepoint():
            return _check(hook, one, one.function(ctx), strict)
    answer = _check(hook, one, one.function(ctx), strict)
    if not db.is_write() and db.left_behind():
        raise Wrote
    return answer


def _check(hook: str, one: Call, answer: Any, strict: bool) -> list[Any]:
    item = one.contract.item
    if strict and (said := complaint(one.contract, one.plugin, answer)):
        raise WrongAnswer(f"{hook}: {said}")
    if answer is None or item is None:
        return []
    if not isinstance(answer, list) or not all(isinstance(thing, item) for thing in answer):
        raise WrongAnswer(f"expected a list of {item.__name__}")
    return answer


def _in_time(plugin: str, surface: str, took: float, budget: float, busy: float) -> str:
    """The reference of the fault when it was not; else the breaker hears that all is well.

    busy: what the thread's clock said before. That the machine had no time for it is not the plugin's fault: it is
    late when it was at work for half of its budget itself, or waited for others several times as long.
    """
    if took > budget and (thread_time() - busy > budget / 2 or took > _LATE_ANYWAY * budget):
        return faults.note(plugin, surface, "slow")
    if breaker.watching:
        faults.note_well(plugin, surface)
    return ""


def _failed(plugin: str, surface: str, error: BaseException, *, undo: bool = True) -> str:
    if undo and not db.is_write() and (isinstance(error, SQLAlchemyError) or db.left_behind()):
        db.recover()
    kind: faults.Kind = "raised"
    if isinstance(error, WrongAnswer):
        kind = "wrong_answer"
    elif isinstance(error, Wrote):
        kind = "wrote"
    return faults.note(plugin, surface, kind, error)
