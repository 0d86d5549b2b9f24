// Client secrets of organizations' providers: in files of the installation, never in the log or a table.

package signin

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
)

// maxSecret bounds a client secret, in bytes.
const maxSecret = 4096

// errOtherIssuer: whoever chooses the provider must not be sent the secret that
// was entrusted to another one.
var errOtherIssuer = refuse(aggregate.CodeConflict, "",
	"The client secret that the installation has of this organization is for another provider; whoever runs the ledger has to replace it.")

// clientSecret reads the organization's file, an issuer and below it the secret
// for that one; where there is none the client is a public one. A file that
// others can read is not used.
func clientSecret(dir string, organization uuid.UUID, issuer string) (string, error) {
	f, err := os.Open(filepath.Join(dir, organization.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the client secret of %s: %w", organization, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("the client secret of %s: %w", organization, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("the client secret of %s is open to others; set the mode of its file to 0600", organization)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("the client secret of %s: %w", organization, err)
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("the client secret of %s is longer than %d bytes", organization, maxSecret)
	}
	of, value, found := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if value = strings.TrimSpace(value); !found || value == "" {
		return "", fmt.Errorf("the client secret of %s has no issuer above it; the file holds two lines", organization)
	}
	if strings.TrimSpace(of) != issuer {
		return "", errOtherIssuer
	}
	return value, nil
}
