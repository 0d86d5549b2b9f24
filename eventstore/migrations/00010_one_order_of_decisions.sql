-- Decisions are in the order of their positions by the constraint that each has its
-- own; a second index for that took room and time of every decision.

-- +goose NO TRANSACTION
-- +goose Up

DROP INDEX CONCURRENTLY IF EXISTS decisions_position;
