"""Runs revisions one by one and looks at each statement before it leaves.

A plugin's revision that changes what is not the plugin's is stopped at that statement; the transaction around it is
undone. This guards against mistakes: a plugin is code that runs with all rights, and nothing stops malice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event

from core.db import ownership, statements
from core.db.errors import DatabaseError

Direction = Literal["up", "down"]
_TEMPORARY: Final = "_alembic_tmp_"
_NOTHING: Final = "SELECT 1"


class NotItsOwn(DatabaseError):
    """A plugin's revision would change what is not the plugin's. Nothing of it was done."""


class CannotForesee(DatabaseError):
    """A revision cannot be run without running it: it looks for what an earlier one of the same plan would make."""


@dataclass(slots=True)
class Step:
    """A revision of a branch and the statements that it runs."""

    branch: str
    revision: str
    message: str
    statements: list[str] = field(default_factory=list)


def run(
    configuration: Config,
    connection: Connection,
    direction: Direction,
    target: str,
    branches: Iterable[str],
    *,
    pretend: bool = False,
) -> list[Step]:
    """Go up or down to ``target``, and answer what was run. Raises NotItsOwn.

    pretend: reading statements run, changing ones are only noted. Raises CannotForesee where that leads nowhere.
    """
    script = ScriptDirectory.from_config(configuration)
    watch = _Watch(connection, frozenset(branches), pretend)

    def planned(current: Any, context: Any) -> Any:
        # What alembic.command does itself, with each step's function wrapped.
        found = (
            script._upgrade_revs(target, current)
            if direction == "up"
            else script._downgrade_revs(target, current)
        )
        for step in found:
            step.migration_fn = watch.around(step.revision, step.migration_fn)
        return found

    event.listen(connection, "before_cursor_execute", watch.look, retval=True)
    try:
        with EnvironmentContext(configuration, script, fn=planned, destination_rev=target):
            script.run_env()
    finally:
        event.remove(connection, "before_cursor_execute", watch.look)
    return watch.steps


def strangers(revisions: Iterable[str], script: ScriptDirectory) -> set[str]:
    """Those of these revisions that belong to plugins whose code is not here.

    A revision that is not known, of a branch that is, is none of them: the code is older than the database.
    """
    known = {revision.revision for revision in script.walk_revisions()}
    branches = {ownership.CORE, *(_begins(revision) for revision in known)}
    return {revision for revision in revisions if revision not in known and _begins(revision) not in branches}


def forget_strangers(context: MigrationContext, script: ScriptDirectory) -> None:
    """Let a migration pass by what plugins that are gone, or were not taken, have in the database."""
    asked = context.get_current_heads

    def heads() -> tuple[str, ...]:
        found = asked()
        return tuple(revision for revision in found if revision not in strangers(found, script))

    context.get_current_heads = heads  # type: ignore[method-assign]


def _begins(revision: str) -> str:
    return revision.rpartition("_")[0]


class _Watch:
    def __init__(self, connection: Connection, branches: frozenset[str], pretend: bool) -> None:
        self._connection, self._branches, self._pretend = connection, branches, pretend
        self._indexes: dict[str, str] = {}
        self._now: Step | None = None
        self.steps: list[Step] = []

    def around(self, revision: Any, migrate: Callable[..., None]) -> Callable[..., None]:
        """The revision's function, with its statements noted as its own."""

        def run_step(**options: Any) -> None:
            step = Step(self._branch(revision), revision.revision, revision.doc or "")
            self.steps.append(step)
            if step.branch != ownership.CORE:
                self._indexes = ownership.named_in(self._connection)
            with self._during(step):
                migrate(**options)

        return run_step

    @contextmanager
    def _during(self, step: Step) -> Any:
        self._now = step
        try:
            yield
        except DatabaseError:
            raise
        except Exception as error:
            if self._pretend:
                raise CannotForesee(f"{step.revision}: {type(error).__name__}") from error
            raise
        finally:
            self._now = None

    def _branch(self, revision: Any) -> str:
        known = {ownership.CORE, *self._branches}
        return (
            next((label for label in sorted(revision.branch_labels) if label in known), "")
            or str(revision.revision).rpartition("_")[0]
        )

    def look(
        self,
        connection: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        executemany: bool,
    ) -> tuple[str, Any]:
        """Called by SQLAlchemy before each statement of the connection."""
        reads = [statements.read(one) for one in statements.split(statement)]
        step = self._now
        if step is not None:
            if step.branch != ownership.CORE:
                self._check(step, statement, reads)
            if any(one.kind != "reads" for one in reads):
                step.statements.append(_with_values(statement, parameters))
        if self._pretend and any(one.kind != "reads" for one in reads):
            # One row, so that Alembic, which looks at its own table's row count, is content.
            return _NOTHING, [{} for _one in parameters] if executemany else {}
        return statement, parameters

    def _check(self, step: Step, statement: str, reads: list[statements.Read]) -> None:
        for read in reads:
            if read.kind == "unknown":
                raise NotItsOwn(
                    f"{step.revision}: not understood, and so not allowed in a plugin: {_short(statement)}"
                )
            tables = list(read.tables)
            if read.index is not None and not ownership.carries(read.index, step.branch):
                tables.append(self._indexes.get(read.index, read.index))
            for table in tables:
                if self._owner(table) != step.branch:
                    raise NotItsOwn(
                        f"{step.revision} would change {table}, which is not {step.branch}'s: {_short(statement)}"
                    )
            for name in read.names:
                if not ownership.carries(name, step.branch):
                    raise NotItsOwn(f"{step.revision}: {name} must carry the prefix {step.branch}_")

    def _owner(self, table: str) -> str | None:
        return ownership.owner_of(table.removeprefix(_TEMPORARY), self._branches)


def _with_values(statement: str, parameters: Any) -> str:
    text = statement.strip()
    return f"{text}\n-- {_short(repr(parameters))}" if parameters else text


def _short(statement: str) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= 160 else f"{text[:159]}…"
