// Caddy, as a Go module, in front of an application, with the documented file.

package caddy

import (
	"os"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy/forwardauth"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func TestCaddy(t *testing.T) {
	l := ledgertest.Start(t)
	at := ledgertest.FreeAddress(t)
	file := ledgertest.Config(t, "../Caddyfile", map[string]string{
		"127.0.0.1:8080": l.URL[len("http://"):], "127.0.0.1:9000": ledgertest.Application(t), "127.0.0.1:8082": at,
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		if w.Message != "Caddyfile input is not formatted; run 'caddy fmt --overwrite' to fix inconsistencies" {
			t.Errorf("the file: %s", w.String())
		}
	}
	t.Setenv("HOME", t.TempDir()) // where Caddy keeps its state
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	ledgertest.CheckProxy(t, l, "http://"+at)
}
