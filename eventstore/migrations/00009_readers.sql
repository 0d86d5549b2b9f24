-- Who reads: operators, what the service reads but no keys; and the readers of one
-- organization, its rows of the read models and nothing of the log.

-- +goose Up

-- The logins that read for one organization.
CREATE TABLE readers (
  login        name PRIMARY KEY,
  organization uuid NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now()
);

-- The organization that the session reads for, NULL if for none. The session's user
-- is who logged in, whatever role it has taken on since.
-- +goose StatementBegin
CREATE FUNCTION reader_organization() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT organization FROM readers WHERE login = session_user
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION reader_organization FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reader_organization TO tokenledger_reader, tokenledger_operator;

-- +goose StatementBegin
DO $$
DECLARE
  here  constant text := quote_ident(current_schema());
  views constant text := quote_ident(current_schema() || '_views');
BEGIN
  EXECUTE 'REVOKE ALL ON SCHEMA ' || here || ' FROM tokenledger_reader';
  EXECUTE 'REVOKE ALL ON ALL TABLES IN SCHEMA ' || here || ' FROM tokenledger_reader';
  EXECUTE 'REVOKE ALL ON ALL TABLES IN SCHEMA ' || views || ' FROM tokenledger_reader';
  EXECUTE 'ALTER DEFAULT PRIVILEGES FOR ROLE tokenledger_projector IN SCHEMA ' || views
    || ' REVOKE SELECT ON TABLES FROM tokenledger_reader';
  EXECUTE 'GRANT USAGE ON SCHEMA ' || here || ', ' || views || ' TO tokenledger_operator';
  EXECUTE 'GRANT SELECT ON ALL TABLES IN SCHEMA ' || views || ' TO tokenledger_operator';
  EXECUTE 'ALTER DEFAULT PRIVILEGES FOR ROLE tokenledger_projector IN SCHEMA ' || views
    || ' GRANT SELECT ON TABLES TO tokenledger_operator';
END $$;
-- +goose StatementEnd
GRANT SELECT ON log, blocks, decisions, tally_snapshots, streams, events, bounds, seal_logs, epochs, cosignatures,
  tree_steps, tree_trails, tree_organizations, tree_nodes, tree_edges, outlets, finding_notices, webhook_states,
  webhook_dead_letters, readers TO tokenledger_operator;
