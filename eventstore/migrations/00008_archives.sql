-- What a detached partition leaves behind, so that the events tree can be proven and grown
-- without its leaves.

-- +goose Up

CREATE TABLE tree_edges (
  position bigint PRIMARY KEY,        -- the last event of the partition
  frontier bytea NOT NULL,            -- of the events tree up to it
  leaves   bytea NOT NULL             -- hashes of the last leaves, those of the tile that is not full
);

SELECT make_append_only('tree_edges');

GRANT SELECT ON tree_edges TO tokenledger_appender, tokenledger_projector, tokenledger_reader;
