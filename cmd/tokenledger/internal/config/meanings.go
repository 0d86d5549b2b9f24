// What each setting is for: the reference page and its test read this.

package config

// meaning says of a variable what the struct cannot: the default where it is computed, and
// what it does. Links are those of a page in docs/reference.
type meaning struct{ standard, does string }

var meanings = map[string]meaning{
	"TOKENLEDGER_DATA":                   {"`/var/lib/tokenledger` for root, else `~/.local/state/tokenledger`", "data directory"},
	"TOKENLEDGER_LISTEN":                 {"", "HTTP interface"},
	"TOKENLEDGER_ADMIN_LISTEN":           {"", "`/metrics` and profiles; keep it private"},
	"TOKENLEDGER_TLS_CERT_FILE":          {"", "certificate (with its intermediates), in PEM, that the HTTP interface is served with, see [TLS](../operations.md#tls)"},
	"TOKENLEDGER_TLS_KEY_FILE":           {"", "key of that certificate, in PEM"},
	"TOKENLEDGER_ADMIN_TLS":              {"`false`", "serve the interface for operators with them, too"},
	"TOKENLEDGER_DATABASE_URL":           {"none: a private Postgres", "`postgres://…`"},
	"TOKENLEDGER_DATABASE_MIGRATOR_URL":  {"the same", "a login of that database that migrates it, see [Roles of the database](../operations.md#roles-of-the-database)"},
	"TOKENLEDGER_DATABASE_PROJECTOR_URL": {"the same", "a login of that database that owns the read models"},
	"TOKENLEDGER_DATABASE_SCHEMA":        {"", "schema of the log; the read models stand in `<schema>_views`"},
	"TOKENLEDGER_NATS_URL":               {"none: an in-process server", "`nats://…`, several with commas"},
	"TOKENLEDGER_NATS_CREDS":             {"", "`.creds` file of the relay"},
	"TOKENLEDGER_NATS_LISTEN":            {"", "where the in-process server listens; `off`: nowhere"},
	"TOKENLEDGER_NATS_REPLICAS":          {"3 in a cluster, else 1", "replicas of the streams. Without it the stream of events keeps what it has; a number changes it"},
	"TOKENLEDGER_DRAIN_DELAY":            {"", "how long a service that is told to end still answers, with `/readyz` at 503, before its listeners close"},
	"TOKENLEDGER_KEY_FILE":               {"`<data>/keys.json`", "peppers and keys"},
	"TOKENLEDGER_KEY_PASSPHRASE_FILE":    {"", "file of the passphrase that wraps the key file (argon2id); a key file in clear is wrapped at the next start"},
	"TOKENLEDGER_ARCHIVES":               {"`<data>/archives`", "directory of archives of events that left the database, or one of them, see [Retention](../operations.md#retention)"},
	"TOKENLEDGER_WITNESSES":              {"", "witnesses of checkpoints: verifier key, a space, URL; several with commas"},
	"TOKENLEDGER_AUDIT_RATE":             {"", "events a second that the self-audit reads again; `0`: none. A mismatch is the line `self-audit` of `/readyz`, the metric `tokenledger_audit_mismatch` and an error in the log, each with the position"},
	"TOKENLEDGER_LOG_FORMAT":             {"", "`text` or `json`, on stderr"},
	"TOKENLEDGER_LOG_LEVEL":              {"", "`debug`, `info`, `warn` or `error`"},
	"TOKENLEDGER_INTROSPECTION":          {"", "`on`, `off`; `auto` is on in the embedded default"},
	"TOKENLEDGER_TRUSTED_PROXIES":        {"`127.0.0.0/8,::1/128`", "networks of your proxies, whose `X-Forwarded-*` and `X-Original-*` are believed; `none`: nobody's"},
	"TOKENLEDGER_ALLOW_PRIVATE_TARGETS":  {"", "networks that URLs chosen by users (identity providers, webhooks) may reach although they are not public, by plain http too"},
	"TOKENLEDGER_OIDC_ISSUER":            {"none: nobody signs in", "the OpenID provider, exactly as it writes itself"},
	"TOKENLEDGER_OIDC_CLIENT_ID":         {"", "this service at the provider; its redirect URI is `<public URL>/v1/login/callback`"},
	"TOKENLEDGER_OIDC_CLIENT_SECRET":     {"none: a public client", "PKCE is used either way"},
	"TOKENLEDGER_OIDC_AUDIENCES":         {"none: none are taken", "audiences of the provider's JWTs that tools may send"},
	"TOKENLEDGER_PUBLIC_URL":             {"the listening address, where it is loopback and the Postgres private", "`https://` URL at which browsers reach the service"},
	"TOKENLEDGER_SESSION_LIFETIME":       {"", "how long a session lasts"},
	"TOKENLEDGER_SSO_SECRETS":            {"`<data>/sso`", "directory of client secrets of organizations' providers, see [Single sign-on](../sso.md)"},
	"TOKENLEDGER_SERVER":                 {"the embedded service", "for client commands: URL of the service"},
	"TOKENLEDGER_TOKEN_FILE":             {"`<data>/admin.token`", "for client commands: file that holds the token"},
	"TOKENLEDGER_CA_FILE":                {"the system's authorities", "for client commands: PEM file of the authorities that vouch for the service"},
	"TOKENLEDGER_CONTEXT":                {"the one in use", "for client commands: a [context](../operations.md#at-the-terminal)"},
	"TOKENLEDGER_CONFIG":                 {"", "file of settings, one NAME=value a line"},
	"TOKENLEDGER_NATS_CA_FILE":           {"those of the system", "authorities that vouch for NATS, in PEM; set, and nothing but TLS is spoken"},
	"TOKENLEDGER_NATS_CERT_FILE":         {"", "certificate that NATS is shown; read again with each connection"},
	"TOKENLEDGER_NATS_KEY_FILE":          {"", "key of that certificate"},
	"TOKENLEDGER_POSTGRES_BIN":           {"found", "directory of the Postgres programs"},
}
