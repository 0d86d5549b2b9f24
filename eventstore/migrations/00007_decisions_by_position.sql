-- Here an index was built that decisions had already; 00010 drops it where it was.

-- +goose Up

SELECT;
