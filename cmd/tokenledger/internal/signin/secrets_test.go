// Client secrets: which files are used.

package signin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestClientSecret(t *testing.T) {
	t.Parallel()
	const issuer = "https://id.example.com"
	dir, org := t.TempDir(), uuid.New()
	if got, err := clientSecret(filepath.Join(dir, "nowhere"), org, issuer); got != "" || err != nil {
		t.Errorf("no directory: %q, %v", got, err)
	}
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		want          string
		good          bool
	}{
		{"as an editor writes it", issuer + "\nhunter2\n", 0o600, "hunter2", true},
		{"as another editor writes it", issuer + "\r\nhunter2\r\n", 0o600, "hunter2", true},
		{"read only", issuer + "\nhunter2", 0o400, "hunter2", true},
		{"open to the group", issuer + "\nhunter2", 0o640, "", false},
		{"open to all", issuer + "\nhunter2", 0o604, "", false},
		{"for another issuer", issuer + ".evil.example\nhunter2", 0o600, "", false},
		{"for nobody", "hunter2\n", 0o600, "", false},
		{"something else", strings.Repeat("hunter2", 1000), 0o600, "", false},
	} {
		file := filepath.Join(dir, org.String())
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := clientSecret(dir, org, issuer)
		if got != c.want || (err == nil) != c.good {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the secret", c.name)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := clientSecret(dir, uuid.New(), issuer); got != "" || err != nil {
		t.Errorf("another organization: %q, %v", got, err)
	}
}
