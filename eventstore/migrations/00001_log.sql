-- The log: blocks, what is derived from them in the same transaction, and the
-- material that must stand outside of them. Runs with search_path = the log's
-- schema, pg_temp; the roles and both schemas exist.

-- +goose Up

-- The one row that says which log this is.
CREATE TABLE log (
  one        boolean PRIMARY KEY DEFAULT true CHECK (one),
  origin     uuid NOT NULL DEFAULT gen_random_uuid(),
  format     int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO log DEFAULT VALUES;

-- A block is all events of one group commit.
CREATE TABLE blocks (
  last_position  bigint PRIMARY KEY,
  first_position bigint NOT NULL CHECK (first_position BETWEEN 1 AND last_position),
  term           bigint NOT NULL,      -- grows by one with each promotion of a Postgres
  timeline       int NOT NULL,         -- of the server that committed the block
  recorded_at    timestamptz NOT NULL,
  leaves         bytea NOT NULL,       -- canonical JSON, each line ended by a newline
  tally          jsonb NOT NULL,       -- trail -> number of its events in this block
  sealed         bytea,                -- personal values, encrypted by subject
  writer         uuid NOT NULL,        -- the process, drawn at random at its start
  writer_seq     bigint NOT NULL       -- grows with each of its blocks
) PARTITION BY RANGE (last_position);

-- +goose StatementBegin
DO $$ BEGIN
  ALTER TABLE blocks ALTER COLUMN leaves SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL; -- this server was built without lz4; pglz does as well, slower
END $$;
-- +goose StatementEnd

-- A copy of each decision's line, so that loading an aggregate is one index scan.
CREATE TABLE decisions (
  stream_id text NOT NULL,
  version   bigint NOT NULL CHECK (version >= 1),
  position  bigint NOT NULL UNIQUE,
  type      text NOT NULL,
  leaf      bytea NOT NULL,
  PRIMARY KEY (stream_id, version)
);

-- The sums of all tallies up to a position, so that a start adds up little.
CREATE TABLE tally_snapshots (
  position bigint PRIMARY KEY,
  counts   jsonb NOT NULL
);

-- The state of each stream that the appender checks expectations against.
CREATE TABLE streams (
  stream_id    text PRIMARY KEY,
  kind         text NOT NULL,
  organization uuid,
  version      bigint NOT NULL,
  gate_closed  boolean NOT NULL,
  gate_until   timestamptz             -- a closed gate opens by itself at this time
) WITH (fillfactor = 80);

CREATE TABLE credentials (
  token  uuid PRIMARY KEY,
  pepper int NOT NULL,
  mac    bytea NOT NULL CHECK (octet_length(mac) = 32)
);

-- Answers to requests with a key. The events of a request stand side by side;
-- a request without events has neither position.
CREATE TABLE idempotency (
  caller         text NOT NULL,
  key            text NOT NULL,
  hash           bytea NOT NULL,
  first_position bigint,
  last_position  bigint,
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_created_at ON idempotency (created_at);

-- The keys of personal values, each wrapped by a key that is not in the database.
CREATE TABLE subject_keys (
  subject    text PRIMARY KEY,
  wrapped    bytea NOT NULL,
  kek        int NOT NULL,
  created_at timestamptz NOT NULL
);

-- Roles keep an application from changing the log; these triggers, which fire
-- even for a superuser and in replica mode, keep a person from doing it by accident.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on %.% refused: the log only grows', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION make_append_only(target regclass) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON %s '
    'FOR EACH ROW EXECUTE FUNCTION refuse_change()', target);
  EXECUTE format('CREATE TRIGGER append_only_table BEFORE TRUNCATE ON %s '
    'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', target);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only_rows', target);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only_table', target);
END $$;
-- +goose StatementEnd

SELECT make_append_only('log'), make_append_only('decisions'), make_append_only('tally_snapshots');

-- The parent has a trigger for each statement, since one for each row would be
-- copied to the partitions, which have their own.
CREATE TRIGGER append_only_table BEFORE UPDATE OR DELETE OR TRUNCATE ON blocks
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE blocks ENABLE ALWAYS TRIGGER append_only_table;

-- A partition is made aside and then attached, since ATTACH, unlike CREATE
-- TABLE ... PARTITION OF, does not wait for the appenders.
-- +goose StatementBegin
CREATE FUNCTION make_blocks_range(from_position bigint, to_position bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  name constant text := 'blocks_' || from_position;
BEGIN
  IF to_regclass(name) IS NOT NULL THEN
    RETURN;
  END IF;
  LOCK TABLE blocks IN SHARE UPDATE EXCLUSIVE MODE; -- appends go on
  IF to_regclass(name) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE blocks INCLUDING ALL)', name);
  PERFORM make_append_only(name::regclass);
  EXECUTE format('ALTER TABLE blocks ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
    name, from_position, to_position);
END $$;
-- +goose StatementEnd

-- Makes the partition that a position belongs to, if there is none. It runs with
-- the rights of the schema's owner, so that the application needs no right to
-- create or alter tables.
-- +goose StatementBegin
CREATE FUNCTION make_blocks_partition(at_position bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  size constant bigint := 10000000;
BEGIN
  PERFORM make_blocks_range(at_position / size * size, (at_position / size + 1) * size);
END $$;
-- +goose StatementEnd

SELECT make_blocks_partition(0), make_blocks_partition(10000000);

-- Blocks taken apart, for people. "leaf" is the exact line. The typed columns are
-- read from it after NUL, which Postgres has no text for, became U+FFFD: an odd
-- number of backslashes before u0000.
-- A condition on "block" (the last position of the event's block) uses the index.
CREATE VIEW events AS
SELECT (j ->> 'position')::bigint           AS "position",
       j ->> 'trail'                        AS trail,
       (j ->> 'trail_position')::bigint     AS trail_position,
       j ->> 'stream'                       AS stream,
       (j ->> 'version')::bigint            AS version,
       (j ->> 'recorded_at')::timestamptz   AS recorded_at,
       j ->> 'type'                         AS type,
       coalesce((j ->> 'type_version')::int, 1) AS type_version,
       j #>> '{actor,kind}'                 AS actor_kind,
       j #>> '{actor,id}'                   AS actor_id,
       j #>> '{actor,user}'                 AS actor_user,
       j ->> 'reason'                       AS reason,
       j ->> 'correlation'                  AS correlation,
       j ->> 'trace'                        AS trace,
       j -> 'data'                          AS data,
       b.term                               AS term,
       b.last_position                      AS block,
       sha256('\x00'::bytea || convert_to(line, 'UTF8')) AS leaf_hash,
       line                                 AS leaf
FROM blocks b
CROSS JOIN LATERAL string_to_table(
  convert_from(substring(b.leaves FROM 1 FOR octet_length(b.leaves) - 1), 'UTF8'), E'\n') AS line
CROSS JOIN LATERAL (SELECT CASE strpos(line, '\u0000')
    WHEN 0 THEN line
    ELSE regexp_replace(line, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')
  END::jsonb AS j) AS decoded;

-- Who may do what. Nobody but the owner may change or delete anything of the log.
-- +goose StatementBegin
DO $$
DECLARE
  here  constant text := quote_ident(current_schema());
  views constant text := quote_ident(current_schema() || '_views');
BEGIN
  EXECUTE 'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ' || here || ' FROM PUBLIC';
  EXECUTE 'GRANT USAGE ON SCHEMA ' || here || ' TO tokenledger_appender, tokenledger_projector, tokenledger_reader';
  EXECUTE 'GRANT USAGE, CREATE ON SCHEMA ' || views || ' TO tokenledger_projector';
  EXECUTE 'GRANT USAGE ON SCHEMA ' || views || ' TO tokenledger_reader';
  EXECUTE 'ALTER DEFAULT PRIVILEGES FOR ROLE tokenledger_projector IN SCHEMA ' || views
    || ' GRANT SELECT ON TABLES TO tokenledger_reader';
END $$;
-- +goose StatementEnd
GRANT SELECT ON log, blocks, decisions, tally_snapshots, streams, events
  TO tokenledger_appender, tokenledger_projector, tokenledger_reader;
GRANT SELECT ON goose_db_version TO tokenledger_appender;
GRANT INSERT ON blocks, decisions, tally_snapshots TO tokenledger_appender;
GRANT INSERT, UPDATE ON streams TO tokenledger_appender;
GRANT SELECT, INSERT ON credentials, subject_keys TO tokenledger_appender;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO tokenledger_appender;
GRANT EXECUTE ON FUNCTION make_blocks_partition TO tokenledger_appender;
