// The installation: its organizations' indexes and its operators.

package aggregate

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Installation is what the rules need to know of the installation.
type Installation struct {
	Initialized   bool
	Organizations int64 // how many are registered, and so the next one's index
	Operators     []uuid.UUID
	Signing       int64 // the newest version of each key that is on record; 0: the first
	Pepper        int64
	Encryption    int64
	Archived      int64 // the last position that was archived; 0: none
}

// InstallationDecider holds the rules of the installation's stream.
var InstallationDecider = Decider[Installation, InstallationCommand, events.InstallationEvent]{
	Kind: events.KindInstallation,
	Decide: func(i Installation, c InstallationCommand, _ time.Time) ([]events.InstallationEvent, error) {
		return c.decide(i)
	},
	Evolve: evolveInstallation,
}

// InstallationCommand is something to be decided on the installation.
type InstallationCommand interface {
	decide(i Installation) ([]events.InstallationEvent, error)
}

func evolveInstallation(i Installation, e events.InstallationEvent) Installation {
	switch e := e.(type) {
	case events.InstallationInitialized:
		i.Initialized = true
	case events.InstallationOrganizationRegistered:
		i.Organizations = e.Index + 1
	case events.InstallationOperatorAppointed:
		i.Operators = sortedIDs(i.Operators, []uuid.UUID{e.User})
	case events.InstallationKeyRotated:
		if version := i.key(e.Use); version != nil {
			*version = e.Version
		}
	case events.InstallationEventsArchived:
		i.Archived = e.Last
	case events.InstallationAdministratorRecovered, events.InstallationUnknownRefused:
		// For the reader of the log; no rule asks.
	}
	return i
}

// InitializeInstallation begins a log.
type InitializeInstallation struct{ Origin string }

func (c InitializeInstallation) decide(i Installation) ([]events.InstallationEvent, error) {
	if i.Initialized {
		return nil, refuse(CodeConflict, "", "This ledger has been initialized already; if the administrator's token is lost, recover it.")
	}
	return []events.InstallationEvent{events.InstallationInitialized{Origin: c.Origin}}, nil
}

// AppointOperator makes a user an operator of the installation.
type AppointOperator struct{ User uuid.UUID }

func (c AppointOperator) decide(i Installation) ([]events.InstallationEvent, error) {
	if err := i.mustBeInitialized(); err != nil || slices.Contains(i.Operators, c.User) {
		return nil, err
	}
	return []events.InstallationEvent{events.InstallationOperatorAppointed{User: c.User}}, nil
}

// RegisterOrganization gives an organization the next index.
type RegisterOrganization struct{ Organization uuid.UUID }

func (c RegisterOrganization) decide(i Installation) ([]events.InstallationEvent, error) {
	if err := i.mustBeInitialized(); err != nil {
		return nil, err
	}
	return []events.InstallationEvent{events.InstallationOrganizationRegistered{
		Organization: c.Organization, Index: i.Organizations,
	}}, nil
}

// RecordRecovery records that an administrator's token was issued with database credentials.
type RecordRecovery struct{ User, Token uuid.UUID }

func (c RecordRecovery) decide(i Installation) ([]events.InstallationEvent, error) {
	if err := i.mustBeInitialized(); err != nil {
		return nil, err
	}
	return []events.InstallationEvent{events.InstallationAdministratorRecovered{User: c.User, Token: c.Token}}, nil
}

// key is where the state has the version of a key, nil for one that it does not know.
func (i *Installation) key(use events.KeyUse) *int64 {
	switch use {
	case events.KeySigning:
		return &i.Signing
	case events.KeyPepper:
		return &i.Pepper
	case events.KeyEncryption:
		return &i.Encryption
	}
	return nil
}

// RecordKeyRotation records that a new version of a key is in use. One that is on
// record already is not recorded again.
type RecordKeyRotation struct {
	Use     events.KeyUse
	Version int64
	Public  string // the verifier key, where the key has one
}

func (c RecordKeyRotation) decide(i Installation) ([]events.InstallationEvent, error) {
	if err := i.mustBeInitialized(); err != nil {
		return nil, err
	}
	switch on := i.key(c.Use); {
	case on == nil:
		return nil, refuse(CodeBadUserInput, "use", "%q is no use of a key.", c.Use)
	case c.Version <= *on:
		return nil, nil
	}
	return []events.InstallationEvent{events.InstallationKeyRotated{
		Use: c.Use, Version: c.Version, Public: c.Public,
	}}, nil
}

func (i Installation) mustBeInitialized() error {
	if !i.Initialized {
		return refuse(CodeConflict, "", "This ledger has not been initialized; run init first.")
	}
	return nil
}
