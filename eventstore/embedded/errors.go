// The reasons for which the embedded default refuses to start.

package embedded

import "errors"

// Each refusal wraps one of these. The error around it says which path or
// address it is about and what to do; nothing is ever deleted to get past it.
var (
	// ErrInUse means that another process works on the same data directory.
	ErrInUse = errors.New("the data directory is in use")
	// ErrNotACluster means that the directory meant for Postgres holds other files.
	ErrNotACluster = errors.New("not a Postgres data directory")
	// ErrVersion means that no installed Postgres has the data directory's major version.
	ErrVersion = errors.New("the data directory belongs to another Postgres version")
	// ErrOwner means that the data directory belongs to another operating-system user.
	ErrOwner = errors.New("the data directory belongs to another user")
	// ErrNoPassword means that a data directory has lost its password file.
	ErrNoPassword = errors.New("the password file of the data directory is missing")
	// ErrUnreachable means that the user that runs Postgres cannot pass through a parent directory.
	ErrUnreachable = errors.New("the data directory is out of reach")
	// ErrNoAccount means that the service runs as root and no user exists to run Postgres as.
	ErrNoAccount = errors.New("no user to run Postgres as")
	// ErrNoBinaries means that no usable Postgres was found and none could be fetched.
	ErrNoBinaries = errors.New("no usable Postgres was found")
	// ErrNotRunning means that no private Postgres runs on a data directory.
	ErrNotRunning = errors.New("no private Postgres runs here")
	// ErrAddressInUse means that another program listens on the NATS address.
	ErrAddressInUse = errors.New("the NATS address is taken")
)
