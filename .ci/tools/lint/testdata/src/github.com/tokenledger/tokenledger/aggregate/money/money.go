// Package money has no row of its own and follows aggregate's.
package money
