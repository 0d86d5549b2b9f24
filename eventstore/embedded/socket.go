// The socket: where it lies, and the URLs that name it.

package embedded

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	// port only names the socket file; nothing listens on the network.
	port = "5432"
	// maxSocketPath is the longest socket path of every supported system, in
	// bytes: darwin's, Linux has four more.
	maxSocketPath = 103
)

// socketDir returns where the server's socket lies: in the cluster, which only
// the account can enter; where that path is too long, or has the comma that
// separates hosts in a URL, in a private directory for temporary files.
func socketDir(dir string, who account) (path string, private bool, err error) {
	if fitsSocket(dir) {
		return dir, false, nil
	}
	if path, err = os.MkdirTemp("", "tokenledger-"); err != nil {
		return "", false, fmt.Errorf("create a directory for the socket of Postgres: %w", err)
	}
	err = errors.Join(who.own(path), who.canReach(path))
	if err == nil && !fitsSocket(path) {
		err = fmt.Errorf("%s is too long for a socket; set TMPDIR to a shorter directory", path)
	}
	if err != nil {
		os.Remove(path)
		return "", false, fmt.Errorf("prepare the directory for the socket of Postgres: %w", err)
	}
	return path, true, nil
}

func fitsSocket(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL."+port)) <= maxSocketPath && !strings.Contains(dir, ",")
}

func (p *Postgres) removeSocketDir() {
	if p.private {
		os.RemoveAll(p.socket)
	}
}

// URL is the address of the database "postgres" for the superuser. It holds the
// password and must not be logged.
func (p *Postgres) URL() string { return p.URLFor(superuser, p.password, "postgres") }

// URLFor is the address of a database of this server for another role.
func (p *Postgres) URLFor(user, password, database string) string {
	return socketURL(p.socket, user, password, database)
}

func socketURL(socket, user, password, database string) string {
	query := url.Values{"host": {socket}, "port": {port}}.Encode()
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password), Path: "/" + database,
		RawQuery: strings.ReplaceAll(query, "+", "%20"), // libpq knows no other space
	}
	return u.String()
}

// RunningPostgresURL is the superuser's address of the server that some process
// of this user runs on the data directory dir: for programs beside the service.
// It holds the password and must not be logged.
func RunningPostgresURL(dir string) (string, error) {
	cluster, err := filepath.Abs(filepath.Join(dir, "postgres"))
	if err == nil {
		cluster, err = filepath.EvalSymlinks(cluster)
	}
	var file pidFile
	if err == nil {
		file, err = readPIDFile(cluster)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	if file.status != "ready" || !servesDir(file.pid, cluster) {
		return "", fmt.Errorf("%w: %s", ErrNotRunning, cluster)
	}
	password, err := readPassword(dir)
	if err != nil {
		return "", err
	}
	return socketURL(file.socketDir, superuser, password, "postgres"), nil
}
