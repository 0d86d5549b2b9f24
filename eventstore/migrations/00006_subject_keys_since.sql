-- A subject whose key was destroyed gets another with its next personal value. Boxes
-- that are older than a key were sealed with one that is gone.

-- +goose Up

ALTER TABLE subject_keys ADD COLUMN since bigint NOT NULL DEFAULT 0;

-- The erasures, which every start looks for.
CREATE INDEX decisions_erasures ON decisions (position)
  WHERE type IN ('user.erased', 'organization.network_data_erased');
