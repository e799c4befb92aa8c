"""What is said of a statement's locks is what PostgreSQL does."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from core.db import statements
from core.settings import Settings
from tests.support.databases import owner_url

SETUP = """
CREATE TABLE thing (id int PRIMARY KEY, name text, size int, other int);
CREATE TABLE part (id int PRIMARY KEY, thing_id int);
INSERT INTO thing SELECT n, 'x' || n, n, n FROM generate_series(1, 50) n;
INSERT INTO part SELECT n, n FROM generate_series(1, 50) n;
CREATE INDEX ix_thing_name ON thing (name);
CREATE UNIQUE INDEX ix_thing_size ON thing (size);
ALTER TABLE part ADD CONSTRAINT later FOREIGN KEY (thing_id) REFERENCES thing NOT VALID;
"""


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE thing ADD COLUMN note text",
        "ALTER TABLE thing ADD COLUMN note text DEFAULT 'x' NOT NULL",
        "ALTER TABLE thing ADD COLUMN token uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE thing ADD COLUMN part_id int REFERENCES part (id)",
        "ALTER TABLE thing DROP COLUMN note_that_is_not",
        "ALTER TABLE thing ALTER COLUMN size TYPE bigint",
        "ALTER TABLE thing ALTER COLUMN size SET NOT NULL",
        "ALTER TABLE thing ALTER COLUMN size DROP NOT NULL",
        "ALTER TABLE thing ALTER COLUMN size SET DEFAULT 3",
        "ALTER TABLE thing RENAME COLUMN size TO length",
        "ALTER TABLE thing ADD CONSTRAINT c CHECK (size > 0)",
        "ALTER TABLE thing ADD CONSTRAINT c CHECK (size > 0) NOT VALID",
        "ALTER TABLE thing ADD CONSTRAINT u UNIQUE (size, id)",
        "ALTER TABLE thing ADD CONSTRAINT u UNIQUE USING INDEX ix_thing_size",
        "ALTER TABLE thing ADD CONSTRAINT f FOREIGN KEY (other) REFERENCES part (id)",
        "ALTER TABLE thing ADD CONSTRAINT f FOREIGN KEY (other) REFERENCES part (id) NOT VALID",
        "ALTER TABLE part VALIDATE CONSTRAINT later",
        "ALTER TABLE thing ADD COLUMN a int, ALTER COLUMN size SET NOT NULL",
        "ALTER TABLE thing ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE POLICY p ON thing FOR ALL TO public USING (true)",
        "CREATE INDEX ix_thing_other ON thing (other)",
        "CREATE UNIQUE INDEX ix_thing_other ON thing USING btree (other)",
        "CREATE TABLE bit (id int PRIMARY KEY, part_id int REFERENCES part (id) ON DELETE CASCADE)",
        "INSERT INTO thing (id) VALUES (1000)",
        "UPDATE thing SET name = 'y'",
        "DELETE FROM thing WHERE id = 3 AND id NOT IN (SELECT thing_id FROM part)",
        "TRUNCATE TABLE part",
        "DROP INDEX ix_thing_name",
        "COMMENT ON TABLE thing IS 'things'",
        "COMMENT ON COLUMN thing.name IS 'what it is called'",
    ],
)
def test_the_locks_are_those_that_postgresql_takes(configured: Settings, sql: str) -> None:
    engine = create_engine(owner_url(configured.database_url), poolclass=NullPool)
    sql = sql.replace("note_that_is_not", "name")
    with engine.connect() as connection:
        connection.execute(text(SETUP))
        connection.commit()
        files = "SELECT relname, relfilenode FROM pg_class WHERE relname IN ('thing', 'part')"
        before = {row.relname: row.relfilenode for row in connection.execute(text(files))}
        connection.commit()
        connection.execute(text(sql))
        held = connection.execute(
            text(
                "SELECT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation "
                "WHERE pid = pg_backend_pid() AND relname IN ('thing', 'part') AND mode <> 'AccessShareLock'"
            )
        )
        strongest: dict[str, str] = {}
        for table, mode in held:
            strongest[table] = statements.stronger(strongest.get(table), _words(mode))
        after = {row.relname: row.relfilenode for row in connection.execute(text(files))}
        connection.rollback()
    read = statements.read(sql)
    assert read.kind == "changes"
    if read.index is not None:
        assert strongest == {
            "thing": statements.ACCESS_EXCLUSIVE
        }  # of the table that the plan finds the index at
        return
    # Looking into another table takes a lock that holds up nobody: it is not told.
    told = {table: mode for table, mode in strongest.items() if mode != statements.ROW_SHARE}
    assert {lock.table: lock.mode for lock in read.locks if lock.mode != statements.ROW_SHARE} == told
    anew = {table for table, node in after.items() if before.get(table) != node} - {"part"}
    assert read.rewrites == bool(anew), "written anew"


def _words(mode: str) -> str:
    return {
        "AccessExclusiveLock": statements.ACCESS_EXCLUSIVE,
        "ShareRowExclusiveLock": statements.SHARE_ROW_EXCLUSIVE,
        "ShareLock": statements.SHARE,
        "ShareUpdateExclusiveLock": statements.SHARE_UPDATE_EXCLUSIVE,
        "RowExclusiveLock": statements.ROW_EXCLUSIVE,
        "RowShareLock": statements.ROW_SHARE,
    }[mode]


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN DROP TABLE core_link; END $$",
        "WITH gone AS (DELETE FROM core_link RETURNING 1) SELECT 1 FROM gone",
        "DROP TABLE diary_entry CASCADE",
        "ALTER TABLE diary_entry DROP COLUMN id CASCADE",
        "TRUNCATE diary_entry CASCADE",
        "SELECT 1 INTO core_copy",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER ROLE careroom_app BYPASSRLS",
        "SET ROLE careroom_app_across",
        "VACUUM",
        "CALL something()",
        "COPY core_patient FROM '/etc/passwd'",
    ],
)
def test_what_is_not_understood_is_unknown(sql: str) -> None:
    assert "unknown" in {statements.read(one).kind for one in statements.split(sql)}


def test_texts_are_split_where_they_end() -> None:
    sql = "SELECT ';' -- one; two\n; /* three; */ UPDATE a SET b = 'it''s; fine'; ;"
    assert statements.split(sql) == ["SELECT ';'", "UPDATE a SET b = 'it''s; fine'"]
    assert statements.read('ALTER TABLE "public"."Odd Name" ADD COLUMN "a,b" int').tables == ("Odd Name",)
    assert statements.read('select "x" from y').kind == "reads"
