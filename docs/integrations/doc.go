// Package integrations holds a working file for each of what stands in front of
// services: proxies, Kubernetes, build jobs and finders of leaked secrets. Its
// tests run nginx, Caddy, Kubernetes' authenticator, an OAuth library's client and
// the build job against the ledger; the other files are read as their programs
// would read them.
package integrations
