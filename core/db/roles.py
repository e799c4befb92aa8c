"""The roles of PostgreSQL: what the application's may do, and whether it may do too much.

Three roles (deploy/postgresql/roles.sql makes them): the owner of the tables, who migrates; the application's, who
serves; and ``<application>_across``, into which :mod:`core.db.fence` changes for work that is no single practice's.
A model says in ``__table_args__`` what the application may do with its table where that is not everything:
``{"info": {"grants": ("SELECT", "INSERT")}}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection, text

from core.db import rls
from core.db.engine import engine
from core.db.errors import NotProtected
from core.db.fence import ACROSS_SUFFIX
from core.db.models import Base
from core.settings import Settings

EVERYTHING: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
_VERSIONS: Final = "alembic_version"
_ALL_RIGHTS: Final = (*EVERYTHING, "TRUNCATE", "REFERENCES", "TRIGGER")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Application:
    """The role of ``database_url``. ``bypasses``: no policy holds it."""

    name: str
    bypasses: bool
    has_across: bool

    @property
    def across(self) -> str | None:
        """The role for work across practices; None where the application needs none."""
        return self.name + ACROSS_SUFFIX if self.has_across else None


def application() -> Application:
    """Ask the database who we are to it."""
    with engine().connect() as connection:
        row = connection.execute(
            text(
                """
                SELECT rolname, rolsuper OR rolbypassrls AS bypasses,
                       EXISTS (SELECT FROM pg_roles WHERE rolname = current_user || :suffix) AS has_across
                FROM pg_roles WHERE rolname = current_user
                """
            ),
            {"suffix": ACROSS_SUFFIX},
        ).one()
        return Application(row.rolname, row.bypasses, row.has_across)


def secure(connection: Connection) -> None:
    """Policies on every table and rights for the application, as the owner; the last step of every migration.

    Raises NotProtected when a role is missing.
    """
    if connection.dialect.name != "postgresql":
        return
    asked = application()
    if not asked.bypasses and asked.across is None:
        raise NotProtected(
            f"PostgreSQL has no role {asked.name}{ACROSS_SUFFIX}: see deploy/postgresql/roles.sql"
        )
    rls.protect(connection, asked.across)
    if connection.scalar(text("SELECT current_user")) != asked.name:
        for role in filter(None, (asked.name, asked.across)):
            _grant(connection, role)


def _grant(connection: Connection, role: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    who, schema = quote(role), quote(str(connection.scalar(text("SELECT current_schema()"))))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {who}"))
    connection.execute(text(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {who}"))
    there = set(
        connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"))
    )
    rights = {
        table.name: tuple(table.info.get("grants", EVERYTHING)) for table in Base.metadata.tables.values()
    }
    rights[_VERSIONS] = ("SELECT",)
    # A table that no loaded code knows (a plugin that was taken away) keeps the rights that it has.
    for name in sorted(there & rights.keys()):
        connection.execute(text(f"REVOKE ALL ON {quote(name)} FROM {who}"))
        connection.execute(text(f"GRANT {', '.join(rights[name])} ON {quote(name)} TO {who}"))


def findings() -> list[str]:
    """What keeps PostgreSQL from holding practices apart for the application; empty when all is well."""
    if engine().dialect.name != "postgresql":
        return []
    found = application()
    with engine().connect() as connection:
        return [*_of_role(connection, found), *_of_tables(connection, found), *_of_rights(connection)]


def check_at_boot(chosen: Settings) -> None:
    """Before a process begins to serve. Raises NotProtected in production; elsewhere it is said in the log."""
    problems = findings()
    if not problems:
        return
    if chosen.environment == "production":
        raise NotProtected(
            "PostgreSQL does not keep the practices apart (see deploy/postgresql/roles.sql):\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )
    log.warning("database.not_protected", problems=problems)


def _of_role(connection: Connection, found: Application) -> list[str]:
    row = connection.execute(
        text(
            """
            SELECT rolsuper, rolbypassrls, rolcreaterole, rolinherit,
                   coalesce(current_setting('careroom.practice_id', true), '') <> '' AS has_practice
            FROM pg_roles WHERE rolname = current_user
            """
        )
    ).one()
    name = found.name
    problems = {
        f"the role {name} is a superuser": row.rolsuper,
        f"the role {name} has BYPASSRLS": row.rolbypassrls,
        f"the role {name} has CREATEROLE and so could make itself an owner": row.rolcreaterole,
        f"the role {name} inherits what {name}{ACROSS_SUFFIX} may do: make it NOINHERIT": row.rolinherit,
        f"there is no role {name}{ACROSS_SUFFIX}": found.across is None,
        f"careroom.practice_id is set for every connection of {name}": row.has_practice,
    }
    return [problem for problem, is_so in problems.items() if is_so]


def _of_tables(connection: Connection, found: Application) -> list[str]:
    known = rls.tables(connection)
    problems = [
        f"the table {table.name} lacks its policies: run `careroom migrate`"
        for table in known
        if not table.is_protected(found.across)
    ]
    if not known:
        problems.append("there are no tables: run `careroom migrate`")
    owners = connection.scalars(
        text(
            """
            SELECT DISTINCT tableowner FROM pg_tables
            WHERE schemaname = current_schema() AND pg_has_role(current_user, tableowner, 'MEMBER')
            """
        )
    )
    return problems + [f"the role {found.name} acts as {owner}, who owns tables" for owner in owners]


def _of_rights(connection: Connection) -> list[str]:
    problems = []
    for table in Base.metadata.tables.values():
        for right in sorted(set(_ALL_RIGHTS) - set(table.info.get("grants", _ALL_RIGHTS))):
            held = connection.scalar(
                text(
                    """
                    SELECT bool_or(has_table_privilege(rolname, to_regclass(:name), :right)) FROM pg_roles
                    WHERE pg_has_role(current_user, oid, 'MEMBER')
                    """
                ),
                {"name": table.name, "right": right},
            )
            if held:
                problems.append(f"{right} on {table.name} is allowed: its rows must stay as they are")
    return problems
