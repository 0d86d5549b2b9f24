// Package oauth tests /oauth2/introspect with the client of an OAuth library, as a resource server uses it.
package oauth
