-- What the sealer keeps: the Merkle trees over the log as far as proofs need them,
-- and the epochs that it has signed. All of it can be computed again from the log
-- and from the checkpoints kept outside of the database.

-- +goose Up

-- The times that the sealer has promised: no event after one is older than it.
CREATE TABLE bounds (
  at       timestamptz PRIMARY KEY,
  position bigint NOT NULL            -- the head at that time
);

-- The logs of epochs. There is one, and one more after each restore to an earlier point.
CREATE TABLE seal_logs (
  log        int PRIMARY KEY,
  origin     text NOT NULL UNIQUE,    -- its name, and that of its keys
  created_at timestamptz NOT NULL
);

-- An epoch is a leaf of its log.
CREATE TABLE epochs (
  log        int NOT NULL REFERENCES seal_logs,
  number     bigint NOT NULL CHECK (number >= 0),
  at         timestamptz NOT NULL,
  position   bigint NOT NULL,         -- the last event that it holds
  record     bytea NOT NULL,          -- the leaf
  checkpoint bytea NOT NULL,          -- signed note over the log up to this leaf
  frontier   bytea NOT NULL,          -- of the log of epochs, this leaf included
  PRIMARY KEY (log, number)
);
CREATE INDEX epochs_at ON epochs (log, at);
CREATE INDEX epochs_position ON epochs (log, position);

CREATE TABLE cosignatures (
  log       int NOT NULL,
  number    bigint NOT NULL,
  witness   text NOT NULL,            -- name of the witness's key
  signature bytea NOT NULL,           -- its line of the note
  at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (log, number, witness),
  FOREIGN KEY (log, number) REFERENCES epochs
);

-- The events tree as it was at a position.
CREATE TABLE tree_steps (
  position bigint PRIMARY KEY,
  frontier bytea NOT NULL
);

-- A trail's tree as it was at a position, written where the trail had new events.
CREATE TABLE tree_trails (
  trail    text NOT NULL,
  position bigint NOT NULL REFERENCES tree_steps,
  size     bigint NOT NULL,
  root     bytea NOT NULL,
  frontier bytea NOT NULL,
  leaves   bytea NOT NULL,            -- the hashes of the leaves that are new, 32 bytes each
  PRIMARY KEY (trail, position)
);
CREATE UNIQUE INDEX tree_trails_size ON tree_trails (trail, size);

-- The organizations by the index that their first event gave them.
CREATE TABLE tree_organizations (
  organization bigint PRIMARY KEY,
  trail        text NOT NULL UNIQUE,
  position     bigint NOT NULL        -- of the first event
);

-- The roots of full subtrees of 256^level leaves. Nodes between are computed again.
CREATE TABLE tree_nodes (
  tree  text NOT NULL,                -- "events", "epochs-<log>" or a trail
  level int NOT NULL CHECK (level >= 1),
  n     bigint NOT NULL,
  hash  bytea NOT NULL,
  PRIMARY KEY (tree, level, n)
);

SELECT make_append_only(t::regclass) FROM unnest(ARRAY['bounds', 'seal_logs', 'epochs', 'cosignatures',
  'tree_steps', 'tree_trails', 'tree_organizations', 'tree_nodes']) AS t;

GRANT SELECT ON bounds, seal_logs, epochs, cosignatures, tree_steps, tree_trails, tree_organizations, tree_nodes
  TO tokenledger_appender, tokenledger_projector, tokenledger_reader;
GRANT INSERT ON bounds, seal_logs, epochs, cosignatures, tree_steps, tree_trails, tree_organizations, tree_nodes
  TO tokenledger_appender;
