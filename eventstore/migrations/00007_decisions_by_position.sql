-- Decisions are read by position, too: all of them, or those after a snapshot.
-- Without an order to follow, each thousand of them took a look at all.

-- +goose Up

CREATE INDEX decisions_position ON decisions (position);
