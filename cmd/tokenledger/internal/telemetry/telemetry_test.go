// A token value handed to the logger in any way never comes out of it.

package telemetry

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

func TestLoggerMasksValues(t *testing.T) {
	t.Parallel()
	value, err := secret.New(secret.Organization, secret.ID{1}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain := value.Reveal()
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := NewLogger(&out, format, slog.LevelDebug)
		log.Info("message", "string", plain, "error", errors.New("bad "+plain), "struct", struct{ A string }{plain}, "bytes", []byte(plain))
		log.With("with", plain).WithGroup(plain).Debug("x", plain, fmt.Sprintf("Bearer %s", plain))
		if strings.Contains(out.String(), plain[27:63]) {
			t.Errorf("%s: the secret came out:\n%s", format, out.String())
		}
		if !strings.Contains(out.String(), value.Masked()) {
			t.Errorf("%s: the masked form is missing:\n%s", format, out.String())
		}
	}
}
