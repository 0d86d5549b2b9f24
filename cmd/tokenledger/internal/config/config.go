// Package config reads the service's settings: flags before environment before
// file before default, and every problem reported at once.
package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Config is all that can be set. The zero value of a field means its default.
type Config struct {
	Data           string   `env:"TOKENLEDGER_DATA"`
	Listen         string   `env:"TOKENLEDGER_LISTEN" envDefault:"127.0.0.1:8080"`
	AdminListen    string   `env:"TOKENLEDGER_ADMIN_LISTEN" envDefault:"127.0.0.1:9090"`
	TLSCertFile    string   `env:"TOKENLEDGER_TLS_CERT_FILE"`
	TLSKeyFile     string   `env:"TOKENLEDGER_TLS_KEY_FILE"`
	AdminTLS       bool     `env:"TOKENLEDGER_ADMIN_TLS"`
	DatabaseURL    string   `env:"TOKENLEDGER_DATABASE_URL"`
	MigratorURL    string   `env:"TOKENLEDGER_DATABASE_MIGRATOR_URL"`
	ProjectorURL   string   `env:"TOKENLEDGER_DATABASE_PROJECTOR_URL"`
	Schema         string   `env:"TOKENLEDGER_DATABASE_SCHEMA" envDefault:"tokenledger"`
	NATSURL        string   `env:"TOKENLEDGER_NATS_URL"`
	NATSCreds      string   `env:"TOKENLEDGER_NATS_CREDS"`
	NATSCAFile     string   `env:"TOKENLEDGER_NATS_CA_FILE"`
	NATSCertFile   string   `env:"TOKENLEDGER_NATS_CERT_FILE"`
	NATSKeyFile    string   `env:"TOKENLEDGER_NATS_KEY_FILE"`
	NATSListen     string   `env:"TOKENLEDGER_NATS_LISTEN" envDefault:"127.0.0.1:4222"`
	NATSReplicas   int      `env:"TOKENLEDGER_NATS_REPLICAS"` // 0: three in a cluster
	KeyFile        string   `env:"TOKENLEDGER_KEY_FILE"`
	PassphraseFile string   `env:"TOKENLEDGER_KEY_PASSPHRASE_FILE"`
	Archives       string   `env:"TOKENLEDGER_ARCHIVES"`
	WitnessList    []string `env:"TOKENLEDGER_WITNESSES"`
	AuditRate      uint32   `env:"TOKENLEDGER_AUDIT_RATE" envDefault:"2000"` // events a second; 0: no self-audit
	LogFormat      string   `env:"TOKENLEDGER_LOG_FORMAT" envDefault:"text"`
	LogLevel       string   `env:"TOKENLEDGER_LOG_LEVEL" envDefault:"info"`
	Introspection  string   `env:"TOKENLEDGER_INTROSPECTION" envDefault:"auto"`
	TrustedProxies []string `env:"TOKENLEDGER_TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1/128"`
	AllowPrivate   []string `env:"TOKENLEDGER_ALLOW_PRIVATE_TARGETS"`

	DrainDelay time.Duration `env:"TOKENLEDGER_DRAIN_DELAY" envDefault:"0s"` // between the end of readiness and that of the listeners

	OIDCIssuer       string        `env:"TOKENLEDGER_OIDC_ISSUER"`
	OIDCClientID     string        `env:"TOKENLEDGER_OIDC_CLIENT_ID"`
	OIDCClientSecret string        `env:"TOKENLEDGER_OIDC_CLIENT_SECRET"`
	OIDCAudiences    []string      `env:"TOKENLEDGER_OIDC_AUDIENCES"`
	PublicURL        string        `env:"TOKENLEDGER_PUBLIC_URL"`
	SessionLifetime  time.Duration `env:"TOKENLEDGER_SESSION_LIFETIME" envDefault:"12h"`
	SSOSecrets       string        `env:"TOKENLEDGER_SSO_SECRETS"`

	// Of client commands.
	Server    string `env:"TOKENLEDGER_SERVER"`
	TokenFile string `env:"TOKENLEDGER_TOKEN_FILE"`
	CAFile    string `env:"TOKENLEDGER_CA_FILE"`
	Context   string `env:"TOKENLEDGER_CONTEXT"`

	ServerNamed, TokenFileNamed bool `env:"-"` // by flag, environment or file; else they are defaults

	// Parsed from the texts above by Load.
	Level          slog.Level     `env:"-"`
	Proxies        []netip.Prefix `env:"-"`
	Witnesses      []Witness      `env:"-"`
	keys           keyring.File
	PrivateTargets []netip.Prefix `env:"-"` // that outbound calls may reach
}

// maxDrainDelay is more than any balancer needs to look at /readyz again.
const maxDrainDelay = 5 * time.Minute

// ErrInvalid is wrapped by what Load returns for settings that cannot be used.
var ErrInvalid = errors.New("the configuration cannot be used")

// Load merges flags (by the name of the variable that they stand for) over the
// environment over the file that TOKENLEDGER_CONFIG names, and checks it all.
func Load(flags map[string]string, environ []string) (Config, error) {
	merged := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && v != "" {
			merged[k] = v
		}
	}
	if path := merged["TOKENLEDGER_CONFIG"]; path != "" {
		file, err := readFile(path)
		if err != nil {
			return Config{}, fmt.Errorf("%w:\n  TOKENLEDGER_CONFIG: %w", ErrInvalid, err)
		}
		maps.Copy(file, merged)
		merged = file
	}
	maps.Copy(merged, flags)
	problems := readSecrets(merged)
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: merged}); err != nil {
		problems = append(problems, malformed(err, merged)...)
	}
	problems = append(problems, c.check()...)
	if len(problems) > 0 {
		return Config{}, fmt.Errorf("%w:\n  %w", ErrInvalid, joinLines(problems))
	}
	return c, nil
}

// malformed names the settings whose text cannot be read: the library knows their fields alone.
func malformed(err error, texts map[string]string) (problems []error) {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []error{err}
	}
	for _, err := range all.Errors {
		var of env.ParseError
		if !errors.As(err, &of) {
			problems = append(problems, err)
			continue
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(of.Name)
		name := field.Tag.Get("env")
		problems = append(problems, fmt.Errorf("%s=%q: want %s", name, texts[name], kinds[of.Type.String()]))
	}
	return problems
}

// kinds is what people call the types of settings that are no texts.
var kinds = map[string]string{"int": "a whole number", "uint32": "a whole number", "bool": "true or false", "time.Duration": "a duration such as 90s or 12h"}

// Embedded reports whether the service runs its own Postgres.
func (c Config) Embedded() bool { return c.DatabaseURL == "" }

// EmbeddedNATS reports whether the service runs its own NATS server.
func (c Config) EmbeddedNATS() bool { return c.NATSURL == "" }

// PublicSchema reports whether the GraphQL schema may be read without credentials.
func (c Config) PublicSchema() bool {
	return c.Introspection == "on" || (c.Introspection == "auto" && c.Embedded())
}

// Witness is one that cosigns checkpoints.
type Witness struct {
	Key note.Verifier
	URL string
}

// Keys is the key file and what opens it.
func (c Config) Keys() keyring.File { return c.keys }

// Checkpoints is the directory of the checkpoints that are kept apart from the database.
func (c Config) Checkpoints() string { return filepath.Join(c.Data, "checkpoints") }

// AdminTokenFile is where init leaves the first administrator's token.
func (c Config) AdminTokenFile() string { return filepath.Join(c.Data, "admin.token") }

// secrets may hold a password.
var secrets = []string{
	"TOKENLEDGER_DATABASE_URL", "TOKENLEDGER_DATABASE_MIGRATOR_URL", "TOKENLEDGER_DATABASE_PROJECTOR_URL",
	"TOKENLEDGER_NATS_URL", "TOKENLEDGER_OIDC_CLIENT_SECRET",
}

// readSecrets puts the contents of X_FILE in the place of X for what may hold a password.
func readSecrets(vars map[string]string) (problems []error) {
	for _, name := range secrets {
		path := vars[name+"_FILE"]
		if path == "" {
			continue
		}
		if vars[name] != "" {
			problems = append(problems, fmt.Errorf("%s and %s_FILE are both set; keep one", name, name))
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s_FILE: %w", name, err))
			continue
		}
		vars[name] = strings.TrimSpace(string(b))
	}
	return problems
}

func (c *Config) check() (problems []error) {
	bad := func(name, value, want string) {
		problems = append(problems, fmt.Errorf("%s=%q: want %s", name, value, want))
	}
	if c.Data == "" {
		c.Data = defaultData()
	}
	if abs, err := filepath.Abs(c.Data); err == nil {
		c.Data = abs
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "keys.json")
	}
	if c.Archives == "" {
		c.Archives = filepath.Join(c.Data, "archives")
	}
	problems = append(problems, c.readPassphrase()...)
	for _, w := range c.WitnessList {
		text, url, _ := strings.Cut(strings.TrimSpace(w), " ")
		key, err := merkle.ParseWitnessKey(text)
		if url = strings.TrimSpace(url); err != nil || !hasScheme(url, "http", "https") {
			bad("TOKENLEDGER_WITNESSES", w, "a witness's verifier key, a space and its URL, several with commas")
			continue
		}
		c.Witnesses = append(c.Witnesses, Witness{key, url})
	}
	c.ServerNamed, c.TokenFileNamed = c.Server != "", c.TokenFile != ""
	if c.TokenFile == "" {
		c.TokenFile = c.AdminTokenFile()
	}
	if c.Server == "" {
		c.Server = c.Scheme() + "://" + c.Listen
	} else if !hasScheme(c.Server, "http", "https") {
		bad("TOKENLEDGER_SERVER", c.Server, "a URL such as https://ledger.example.com")
	}
	c.Server = strings.TrimSuffix(c.Server, "/")
	for name, value := range map[string]string{"TOKENLEDGER_LISTEN": c.Listen, "TOKENLEDGER_ADMIN_LISTEN": c.AdminListen} {
		if !hostPort(value) {
			bad(name, value, "host:port, for example 127.0.0.1:8080")
		}
	}
	if c.NATSListen != "off" && !hostPort(c.NATSListen) {
		bad("TOKENLEDGER_NATS_LISTEN", c.NATSListen, `host:port, or "off" for none`)
	}
	problems = append(problems, c.checkDatabase()...)
	for u := range strings.SplitSeq(c.NATSURL, ",") {
		if c.NATSURL != "" && !hasScheme(strings.TrimSpace(u), "nats", "tls", "ws", "wss") {
			problems = append(problems, errors.New("TOKENLEDGER_NATS_URL: want nats://host:port, several with commas (its value is not shown)"))
		}
	}
	problems = append(problems, c.checkRest(bad)...)
	problems = append(problems, c.checkTransport()...)
	problems = append(problems, c.checkPeople(bad)...)
	return problems
}

// readPassphrase finds what opens the key file, if it is wrapped.
func (c *Config) readPassphrase() (problems []error) {
	c.keys.Path = c.KeyFile
	if c.PassphraseFile == "" {
		return nil
	}
	passphrase, err := os.ReadFile(c.PassphraseFile)
	c.keys.Passphrase = bytes.TrimSpace(passphrase)
	if err == nil && len(c.keys.Passphrase) == 0 {
		err = fmt.Errorf("%s is empty", c.PassphraseFile)
	}
	if err != nil {
		problems = append(problems, fmt.Errorf("TOKENLEDGER_KEY_PASSPHRASE_FILE: %w", err))
	}
	return problems
}

func (c *Config) checkRest(bad func(name, value, want string)) (problems []error) {
	if c.NATSCreds != "" {
		if _, err := os.Stat(c.NATSCreds); err != nil {
			problems = append(problems, fmt.Errorf("TOKENLEDGER_NATS_CREDS: %w; want the path of a .creds file", err))
		}
	}
	if c.NATSReplicas < 0 || c.NATSReplicas > 5 {
		bad("TOKENLEDGER_NATS_REPLICAS", fmt.Sprint(c.NATSReplicas), "1 to 5, or nothing for 3 in a cluster and else 1")
	}
	if c.DrainDelay < 0 || c.DrainDelay > maxDrainDelay {
		bad("TOKENLEDGER_DRAIN_DELAY", c.DrainDelay.String(), "a duration up to "+maxDrainDelay.String()+", for example 5s")
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		bad("TOKENLEDGER_LOG_FORMAT", c.LogFormat, "text or json")
	}
	if err := c.Level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		bad("TOKENLEDGER_LOG_LEVEL", c.LogLevel, "debug, info, warn or error")
	}
	switch c.Introspection {
	case "auto", "on", "off":
	default:
		bad("TOKENLEDGER_INTROSPECTION", c.Introspection, "auto, on or off")
	}
	c.Proxies = networks("TOKENLEDGER_TRUSTED_PROXIES", c.TrustedProxies, bad)
	c.PrivateTargets = networks("TOKENLEDGER_ALLOW_PRIVATE_TARGETS", c.AllowPrivate, bad)
	return problems
}

func networks(name string, texts []string, bad func(name, value, want string)) (parsed []netip.Prefix) {
	if len(texts) == 1 && texts[0] == "none" {
		return nil
	}
	for _, p := range texts {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(p))
		if err != nil {
			bad(name, p, `networks such as 10.0.0.0/8, with commas, or "none"`)
			continue
		}
		parsed = append(parsed, prefix.Masked())
	}
	return parsed
}

func hostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && port != ""
}

func hasScheme(raw string, schemes ...string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return false
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return true
		}
	}
	return false
}

// defaultData follows the XDG base directory specification, but for root.
func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/tokenledger"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tokenledger")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("tokenledger-%d", os.Geteuid()))
	}
	return filepath.Join(home, ".local", "state", "tokenledger")
}

// DemoData is where a demo is kept that names no directory: beside the ledger's.
func DemoData() string { return defaultData() + "-demo" }

// readFile reads NAME=value lines, as systemd's EnvironmentFile has them.
func readFile(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	vars := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !strings.HasPrefix(name, "TOKENLEDGER_") {
			return nil, fmt.Errorf("%s:%d: want TOKENLEDGER_NAME=value", path, n)
		}
		vars[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	return vars, lines.Err()
}

func joinLines(problems []error) error {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = strings.ReplaceAll(p.Error(), "\n", " ")
	}
	return errors.New(strings.Join(texts, "\n  "))
}
