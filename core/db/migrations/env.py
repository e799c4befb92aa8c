"""Alembic's environment: runs on the connection that ``core.db.migrate`` hands over."""

from typing import Any, Literal

from alembic import context

from core.db.migrate import CORE, metadata
from core.db.stepping import forget_strangers
from core.db.types import UtcDateTime

config = context.config


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """While a revision of one branch is made, only the tables of that branch are looked at."""
    branch = config.attributes.get("branch")
    if branch is None or kind != "table" or name is None:
        return True
    if branch == CORE:
        return name.startswith(("core_", "ab_"))
    return name.startswith(branch + "_")


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """The same for tables that only the models know."""
    return include_name(name, kind, {}) if kind == "table" else True


def render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Revisions spell our own column types as SQLAlchemy's, so that they stand when our code moves."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=config.attributes["connection"],
    target_metadata=metadata(),
    include_name=include_name,
    include_object=include_object,
    render_item=render_item,
    render_as_batch=True,
    compare_type=True,
)
forget_strangers(context.get_context(), context.script)
with context.begin_transaction():
    context.run_migrations()
