-- The three roles of Careroom and its database. Run once, as a superuser (or the provider's administrator):
--
--   psql -v owner=careroom_owner -v application=careroom -v database=careroom -f deploy/postgresql/roles.sql
--   psql -c '\password careroom_owner' -c '\password careroom'
--
-- Then, in the environment:
--
--   CAREROOM_DATABASE_URL=postgresql+psycopg2://careroom:...@host/careroom           (web and worker)
--   CAREROOM_MIGRATION_URL=postgresql+psycopg2://careroom_owner:...@host/careroom    (careroom migrate only)
--
-- `careroom migrate` gives the application what it needs: no more than reading and adding in the audit trail, and
-- never a table's ownership. `careroom database check` says whether that holds; in production nothing starts before.
--
-- A backup sees every practice: run pg_dump as the owner with --enable-row-security (the owner is a member of the
-- across role, and inherits), or as a role with BYPASSRLS.

SELECT :'application' || '_across' AS across \gset

CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;

-- NOINHERIT: the application sees across practices only where its code changes into the other role for one
-- transaction (leasing work, finding a link by its token), and never by the way.
CREATE ROLE :"application" LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
CREATE ROLE :"across" NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
GRANT :"across" TO :"application", :"owner";

CREATE DATABASE :"database" OWNER :"owner";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"application";
