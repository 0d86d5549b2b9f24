// Package integrations holds a working file for each of what stands in front of
// services: proxies, Kubernetes, build jobs and finders of leaked secrets. Its
// tests run them against the ledger.
package integrations
