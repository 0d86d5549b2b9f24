// Package e2e proves the program from outside: its tests build the binary, run it
// as processes, speak to it as its users do, and judge what it did by the leaves
// that they read from the database themselves.
package e2e
