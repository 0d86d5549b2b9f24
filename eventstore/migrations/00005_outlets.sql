-- How far what goes out of the ledger has gone: findings that were announced, and
-- the webhooks of organizations. None of it can be computed again from the log,
-- and none of it is part of it: it says what others were told.

-- +goose Up

-- Where a reader that must not lose its place stands.
CREATE TABLE outlets (
  name  text PRIMARY KEY,
  place jsonb NOT NULL
);

-- Findings in the order in which they were announced, each once.
CREATE TABLE finding_notices (
  number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization uuid NOT NULL,
  rule         text NOT NULL,
  position     bigint NOT NULL,
  body         bytea NOT NULL,          -- the JSON that is sent
  created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX finding_notices_organization ON finding_notices (organization, number);

-- How far a webhook is.
CREATE TABLE webhook_states (
  webhook         uuid PRIMARY KEY,
  trail_position  bigint NOT NULL,      -- of the last event that is done with
  notice          bigint NOT NULL,      -- number of the last finding that is done with
  attempts        int NOT NULL DEFAULT 0,     -- at what comes next, so far
  failures        bigint NOT NULL DEFAULT 0,  -- since the last success
  delivered       bigint NOT NULL DEFAULT 0,
  next_at         timestamptz,          -- not before
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_error      text
);

-- What was given up, until it is sent again.
CREATE TABLE webhook_dead_letters (
  webhook    uuid NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('event', 'finding')),
  number     bigint NOT NULL,           -- trail position, or number of the notice
  message_id text NOT NULL,
  attempts   int NOT NULL,
  last_error text NOT NULL,
  dead_at    timestamptz NOT NULL,
  again      boolean NOT NULL DEFAULT false,
  PRIMARY KEY (webhook, kind, number)
);
CREATE INDEX webhook_dead_letters_again ON webhook_dead_letters (webhook) WHERE again;

GRANT SELECT, INSERT, UPDATE, DELETE ON outlets, finding_notices, webhook_states, webhook_dead_letters TO tokenledger_projector;
GRANT SELECT ON outlets, finding_notices, webhook_states, webhook_dead_letters TO tokenledger_reader;
