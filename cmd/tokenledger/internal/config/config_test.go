// Tests of precedence, defaults and of what bad settings are told.

package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "conf")
	body := "# comment\nTOKENLEDGER_LISTEN=127.0.0.1:1\nTOKENLEDGER_ADMIN_LISTEN=127.0.0.1:2\nTOKENLEDGER_LOG_LEVEL=\"debug\"\n"
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(
		map[string]string{"TOKENLEDGER_LISTEN": "127.0.0.1:3"},
		[]string{"TOKENLEDGER_CONFIG=" + file, "TOKENLEDGER_LISTEN=127.0.0.1:4", "TOKENLEDGER_ADMIN_LISTEN=127.0.0.1:5"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct{ what, got, want string }{
		{"flag before environment", c.Listen, "127.0.0.1:3"},
		{"environment before file", c.AdminListen, "127.0.0.1:5"},
		{"file before default", c.LogLevel, "debug"},
		{"default", c.NATSListen, "127.0.0.1:4222"},
	} {
		if want.got != want.want {
			t.Errorf("%s: got %q, want %q", want.what, want.got, want.want)
		}
	}
	if !c.Embedded() || !c.EmbeddedNATS() || !c.PublicSchema() || c.Data == "" {
		t.Errorf("the embedded default is off: %+v", c)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("postgres://u:p@h/d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(nil, []string{"TOKENLEDGER_DATABASE_URL_FILE=" + file})
	if err != nil || c.DatabaseURL != "postgres://u:p@h/d" || c.Embedded() || c.PublicSchema() {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err = Load(nil, []string{"TOKENLEDGER_DATABASE_URL_FILE=" + file, "TOKENLEDGER_DATABASE_URL=postgres://h/d"}); err == nil {
		t.Error("a URL given twice was accepted")
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Load(nil, []string{
		"TOKENLEDGER_LISTEN=nowhere", "TOKENLEDGER_ADMIN_LISTEN=:", "TOKENLEDGER_NATS_LISTEN=x",
		"TOKENLEDGER_DATABASE_URL=mysql://root:hunter2@h/d", "TOKENLEDGER_NATS_URL=http://h", "TOKENLEDGER_NATS_CREDS=/nonexistent",
		"TOKENLEDGER_NATS_REPLICAS=9", "TOKENLEDGER_DRAIN_DELAY=-1s", "TOKENLEDGER_LOG_FORMAT=xml", "TOKENLEDGER_LOG_LEVEL=loud",
		"TOKENLEDGER_INTROSPECTION=maybe", "TOKENLEDGER_TRUSTED_PROXIES=10.0.0.0/8,me",
		"TOKENLEDGER_ALLOW_PRIVATE_TARGETS=127.0.0.1",
	})
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{
		"LISTEN", "ADMIN_LISTEN", "NATS_LISTEN", "DATABASE_URL", "NATS_URL", "NATS_CREDS",
		"NATS_REPLICAS", "DRAIN_DELAY", "LOG_FORMAT", "LOG_LEVEL", "INTROSPECTION", "TRUSTED_PROXIES", "ALLOW_PRIVATE_TARGETS",
	} {
		if !strings.Contains(err.Error(), "TOKENLEDGER_"+name) {
			t.Errorf("the error does not name TOKENLEDGER_%s:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows a password:\n%v", err)
	}
}

func TestFileProblems(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(file, []byte("TOKENLEDGER_LISTEN\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, file + ".missing"} {
		if _, err := Load(nil, []string{"TOKENLEDGER_CONFIG=" + path}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"": "[127.0.0.0/8 ::1/128]", "none": "[]", "10.1.2.3/8, 192.0.2.7/32": "[10.0.0.0/8 192.0.2.7/32]",
	} {
		c, err := Load(nil, []string{"TOKENLEDGER_TRUSTED_PROXIES=" + setting})
		if got := fmt.Sprint(c.Proxies); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", setting, got, err, want)
		}
	}
	if _, err := Load(nil, []string{"TOKENLEDGER_TRUSTED_PROXIES=none,10.0.0.0/8"}); err == nil {
		t.Error("none and a network were taken together")
	}
}
