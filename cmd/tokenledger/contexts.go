// The contexts of client commands: which service, with whose token, for which organization.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
)

// contexts are what the file of this user's contexts holds. No token's value stands
// in it: a token has a file of its own.
type contexts struct {
	Current string                  `json:"current,omitempty"`
	Named   map[string]savedContext `json:"contexts"`

	dir string // where the file and the tokens are
}

// savedContext is one of them.
type savedContext struct {
	Server       string `json:"server"`
	TokenFile    string `json:"tokenFile,omitempty"` // empty: nobody has signed in
	Organization string `json:"organization,omitempty"`
	CAFile       string `json:"caFile,omitempty"`
	Issuer       string `json:"issuer,omitempty"`   // of the provider that login asked
	ClientID     string `json:"clientID,omitempty"` // of this program there
	IssuedToken  string `json:"issuedToken,omitempty"`
}

// contextName is what a context may be called: a name that is a file's name, too.
var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// variable is a variable of the environment, empty where there is none.
func (a app) variable(name string) (value string) {
	for _, kv := range a.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// contextsDir follows the XDG base directory specification.
func (a app) contextsDir() (string, error) {
	if dir := a.variable("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tokenledger"), nil
	}
	home := a.variable("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", fmt.Errorf("where contexts are kept: %w; set XDG_CONFIG_HOME", err)
		}
	}
	return filepath.Join(home, ".config", "tokenledger"), nil
}

// contexts reads the file. Where there is none, there are no contexts.
func (a app) contexts() (contexts, error) {
	all := contexts{Named: map[string]savedContext{}}
	var err error
	if all.dir, err = a.contextsDir(); err != nil {
		return all, err
	}
	raw, err := os.ReadFile(all.file())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return all, fmt.Errorf("the contexts in %s: %w", all.file(), err)
	}
	if all.Named == nil {
		all.Named = map[string]savedContext{}
	}
	return all, nil
}

func (c contexts) file() string { return filepath.Join(c.dir, "contexts.json") }

// tokenFile is where login keeps the token of a context.
func (c contexts) tokenFile(name string) string { return filepath.Join(c.dir, "tokens", name) }

func (c contexts) names() []string { return slices.Sorted(maps.Keys(c.Named)) }

func (c contexts) save() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	return wholeFile(c.file(), func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(c)
	})
}

// saveToken keeps a token of a context, which login made or was given.
func (c contexts) saveToken(name, value string) error {
	path := c.tokenFile(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return wholeFile(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, value)
		return err
	})
}

// dropToken removes the file that login wrote; any other is not this program's to remove.
func (c contexts) dropToken(name string) error {
	if err := os.Remove(c.tokenFile(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// get finds a context that must be there.
func (c contexts) get(name string) (savedContext, error) {
	saved, ok := c.Named[name]
	switch {
	case ok:
		return saved, nil
	case len(c.Named) == 0:
		return saved, usage("there is no context %q, nor any other; make one with tokenledger context add or tokenledger login", name)
	}
	return saved, usage("there is no context %q; there are %s", name, strings.Join(c.names(), ", "))
}

// target is what a client command speaks to, and with what.
type target struct {
	server, tokenFile, organization, caFile string
	certFile                                string // that the service of these very settings is served with
	context                                 string // that it is from, as far as nothing else was named; empty: none
}

// target merges what is named: flags before a context that --context names, that
// before the environment, that before the context in use, that before the embedded
// pair. A context's token is for that context's server: where another server is
// named, the context is left aside as a whole. So is the embedded pair's token, where
// a server on another machine is named.
func (a app) target() (target, error) {
	settings, err := a.config()
	if err != nil {
		return target{}, err
	}
	plain := target{server: settings.Server, tokenFile: settings.TokenFile, caFile: settings.CAFile}
	if !settings.ServerNamed {
		plain.certFile = settings.TLSCertFile
	} else if !settings.TokenFileNamed && !onThisMachine(settings.Server) {
		plain.tokenFile = ""
	}
	all, err := a.contexts()
	if err != nil {
		return target{}, err
	}
	name := settings.Context
	if name == "" {
		name = all.Current
	}
	if name == "" {
		return plain, nil
	}
	saved, err := all.get(name)
	if err != nil {
		return target{}, err
	}
	flags := a.overrides()
	first := flags["TOKENLEDGER_CONTEXT"] != "" // a flag, and so before the environment
	named := func(variable string, anywhere bool) bool { return flags[variable] != "" || anywhere && !first }
	if named("TOKENLEDGER_SERVER", settings.ServerNamed) && saved.Server != plain.server {
		return plain, nil
	}
	t := target{server: saved.Server, tokenFile: saved.TokenFile, organization: saved.Organization, caFile: saved.CAFile, context: name}
	if named("TOKENLEDGER_TOKEN_FILE", settings.TokenFileNamed) {
		t.tokenFile = plain.tokenFile
	}
	if named("TOKENLEDGER_CA_FILE", plain.caFile != "") {
		t.caFile = plain.caFile
	}
	return t, nil
}

// transport trusts the target's authorities alone, or the very certificate of the service
// that has the settings of this command, or the system's authorities.
func (t target) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	var err error
	switch {
	case t.caFile != "":
		if transport.TLSClientConfig, err = certs.Client(t.caFile); err != nil {
			return nil, fmt.Errorf("the authorities (--ca-file): %w", err)
		}
	case t.certFile != "":
		if transport.TLSClientConfig, err = certs.Beside(t.certFile); err != nil {
			return nil, fmt.Errorf("the service's certificate (TOKENLEDGER_TLS_CERT_FILE): %w", err)
		}
	}
	return transport, nil
}

// onThisMachine reports whether what is sent to a server stays here.
func onThisMachine(server string) bool {
	u, err := url.Parse(server)
	return err == nil && config.LoopbackHost(u.Hostname())
}

// nameOf makes a context's name of a server's.
func nameOf(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return "default"
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("[]", r) {
			return -1
		}
		if r == ':' {
			return '-'
		}
		return r
	}, u.Host)
	if !contextName.MatchString(name) {
		return "default"
	}
	return name
}
