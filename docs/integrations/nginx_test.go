// nginx from Debian in front of an application, with the documented file.

package integrations

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func TestNginx(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; !exists(program) {
			t.Skip("nginx is not installed: apt-get install nginx-light")
		}
	}
	l := ledgertest.Start(t)
	at := ledgertest.FreeAddress(t)
	config := ledgertest.Config(t, "nginx.conf", map[string]string{
		"127.0.0.1:8080": l.URL[len("http://"):], "127.0.0.1:9000": ledgertest.Application(t), "127.0.0.1:8081": at,
	})
	runUntil(t, program, "-p", filepath.Dir(config), "-c", config, "-g", "daemon off;")
	ledgertest.CheckProxy(t, l, "http://"+at)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// runUntil starts a program that ends with stop, or at last with the test.
func runUntil(t *testing.T, program string, args ...string) (stop func()) {
	t.Helper()
	c := exec.Command(program, args...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	})
	t.Cleanup(stop)
	return stop
}
