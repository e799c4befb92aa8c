"""Row-level security: the policies that let PostgreSQL itself keep practices apart.

Which tables: every one with a practice_id, whoever made it, found in the catalogue at run time. ``protect`` runs
after every ``careroom migrate``, so a plugin's table has its policy as soon as it is there. FORCE: the tables' owner
is held by them as well. The practice comes from ``careroom.practice_id`` (:mod:`core.db.fence`); unset, nothing
matches. Work across practices is done in a role of its own, so that the usual policy stays one comparison that an
index can answer: with "or across is on" in it, fifty rows of a practice took 13 ms in place of 0.06.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

_HERE: Final = "nullif(current_setting('careroom.practice_id', true), '')::uuid"
_OPEN_TO_READ: Final = {"core_practice": "id", "core_membership": "practice_id"}
"""Table -> column of the practice. Read before the practice is known (by slug, by user), so reading is open; from
inside a practice nothing of another one can be written."""


@dataclass(frozen=True, slots=True)
class Policy:
    """As pg_policies tells it. ``qual`` and ``check``: expressions, or None."""

    name: str
    command: str
    role: str
    qual: str | None
    check: str | None

    def create(self, table: str) -> str:
        """The statement that makes it on this (quoted) table."""
        using = f" USING ({self.qual})" if self.qual else ""
        check = f" WITH CHECK ({self.check})" if self.check else ""
        return f"CREATE POLICY {self.name} ON {table} FOR {self.command} TO {self.role}{using}{check}"

    def says(self) -> tuple[str, str, str, str, str]:
        """What it means, free of how PostgreSQL writes it back."""
        return self.name, self.command, self.role, _plain(self.qual), _plain(self.check)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that has a practice in it, as the database has it now."""

    name: str
    quoted: str
    enabled: bool
    forced: bool
    policies: tuple[Policy, ...]

    def is_protected(self, across_role: str | None) -> bool:
        """Has it exactly the policies that it must have, and are they in force for everybody?"""
        wanted = {policy.says() for policy in policies_for(self.name, across_role)}
        return self.enabled and self.forced and {policy.says() for policy in self.policies} == wanted


def policies_for(table: str, across_role: str | None) -> Iterator[Policy]:
    """The policies that this table must have."""
    if (column := _OPEN_TO_READ.get(table)) is not None:
        own_or_platform = f"{column} = coalesce({_HERE}, {column})"
        yield Policy("careroom_read", "SELECT", "public", "true", None)
        yield Policy("careroom_write", "ALL", "public", own_or_platform, own_or_platform)
    else:
        own = f"practice_id = {_HERE}"
        yield Policy("careroom_practice", "ALL", "public", own, own)
        if across_role is not None:
            yield Policy("careroom_across", "ALL", across_role, "true", "true")


def tables(connection: Connection) -> list[Table]:
    """Every table with a practice in it, by name."""
    found = connection.execute(
        text(
            """
            SELECT relname, quote_ident(relname) AS quoted, relrowsecurity, relforcerowsecurity
            FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
              AND (relname = 'core_practice' OR EXISTS (
                SELECT FROM pg_attribute
                WHERE attrelid = pg_class.oid AND attname = 'practice_id' AND NOT attisdropped))
            ORDER BY relname
            """
        )
    ).all()
    policies: dict[str, list[Policy]] = {}
    # A restrictive policy takes rows away and so is nobody's hole.
    for row in connection.execute(
        text(
            """
            SELECT tablename, policyname, cmd, array_to_string(roles, ',') AS roles, qual, with_check
            FROM pg_policies WHERE schemaname = current_schema() AND permissive = 'PERMISSIVE'
            """
        )
    ):
        made = Policy(row.policyname, row.cmd, row.roles, row.qual, row.with_check)
        policies.setdefault(row.tablename, []).append(made)
    return [
        Table(row.relname, row.quoted, row.relrowsecurity, row.relforcerowsecurity,
              tuple(policies.get(row.relname, ())))
        for row in found
    ]  # fmt: skip


def protect(connection: Connection, across_role: str | None) -> list[str]:
    """Give every table its policies; answers the tables that lacked something. Twice is as good as once.

    across_role: as current_user + "_across" of the application; None where the application is a superuser.
    """
    if connection.dialect.name != "postgresql":
        return []
    changed = [table for table in tables(connection) if not table.is_protected(across_role)]
    for table in changed:
        for policy in table.policies:
            connection.execute(text(f"DROP POLICY {_quote(connection, policy.name)} ON {table.quoted}"))
        for policy in policies_for(table.name, across_role):
            connection.execute(text(policy.create(table.quoted)))
        connection.execute(
            text(f"ALTER TABLE {table.quoted} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        )
    return [table.name for table in changed]


def unprotect(connection: Connection) -> None:
    """Take all of it away: for going back behind the revision that brought it."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables(connection):
        for policy in table.policies:
            connection.execute(text(f"DROP POLICY {_quote(connection, policy.name)} ON {table.quoted}"))
        connection.execute(
            text(f"ALTER TABLE {table.quoted} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
        )


def _quote(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def _plain(expression: str | None) -> str:
    # PostgreSQL writes expressions back with its own parentheses, casts and capitals.
    return re.sub(r"[\s()]|::text", "", expression or "").lower()
