// Package composetest loads docker-compose.yml with the library that Docker Compose itself
// loads it with: its schema, its interpolation, its profiles. It is a module of its own, so
// that nothing of it is among the ledger's dependencies.
package composetest
