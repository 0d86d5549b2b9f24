// The fact that a part of the log was archived, after which its blocks may leave the database.

package events

// InstallationEventsArchived records that the events of a partition stand in an archive
// outside of the database, and that the partition is detached from the log.
type InstallationEventsArchived struct {
	installationFact
	First  int64  `json:"first"`  // position of the archive's first event
	Last   int64  `json:"last"`   // and of its last
	Root   string `json:"root"`   // of the events tree up to the last, as checkpoints write roots
	Digest string `json:"digest"` // SHA-256 of the archive's lines, in hexadecimal
}

// Type implements [Event].
func (InstallationEventsArchived) Type() Type { return "installation.events_archived" }
