// Package caddy tests ../Caddyfile with the real thing.
package caddy
