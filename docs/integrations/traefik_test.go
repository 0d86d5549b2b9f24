// Traefik in front of an application, with the documented file, where its program is installed.

package integrations

import (
	"os/exec"
	"testing"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// Traefik is in no Debian release, and its module cannot be built from a module
// proxy alone: its forwardAuth needs every provider of lego's DNS challenges, some
// of which are not served.
func TestTraefik(t *testing.T) {
	program, err := exec.LookPath("traefik")
	if err != nil {
		t.Skip("no traefik on PATH; Debian has none, and its Go module needs modules that the proxy does not serve. traefik.yml is only read")
	}
	l := ledgertest.Start(t)
	at := ledgertest.FreeAddress(t)
	config := ledgertest.Config(t, "traefik.yml", map[string]string{
		"127.0.0.1:8080": l.URL[len("http://"):], "127.0.0.1:9000": ledgertest.Application(t),
	})
	runUntil(t, program, "--providers.file.filename="+config, "--entrypoints.web.address="+at, "--log.level=ERROR")
	ledgertest.CheckProxy(t, l, "http://"+at)
}
