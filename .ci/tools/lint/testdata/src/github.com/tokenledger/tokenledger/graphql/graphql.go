// Package graphql is imported by a test, which may.
package graphql
