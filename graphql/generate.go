// The generated code, and what writes it.

package graphql

//go:generate go run github.com/99designs/gqlgen
