-- What a rotation of keys and an erasure need: material made with an old key is made
-- anew with the active one, and the key of a subject is destroyed.

-- +goose Up

GRANT UPDATE (pepper, mac) ON credentials TO tokenledger_appender;
GRANT UPDATE (wrapped, kek), DELETE ON subject_keys TO tokenledger_appender;
