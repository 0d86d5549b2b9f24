// Organizations and users as the read model knows them, and how events change them.

package projections

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// OrganizationRow is one organization. The tags name the columns.
type OrganizationRow struct {
	ID          uuid.UUID                    `json:"id"`
	Index       int64                        `json:"index"`
	Name        string                       `json:"name"`
	DisplayName string                       `json:"display_name"`
	Policy      events.Policy                `json:"policy"`
	Provider    events.Provider              `json:"provider"` // of single sign-on; zero: none
	Objects     map[string]map[string]string `json:"objects"`  // object → action → verb
	CreatedAt   time.Time                    `json:"created_at"`
	CreatedBy   string                       `json:"created_by"`
	UpdatedAt   time.Time                    `json:"updated_at"`
	UpdatedBy   string                       `json:"updated_by"`
	Version     events.Version               `json:"version"`
	Position    events.Position              `json:"position"`
}

type organizationRecord struct {
	OrganizationRow
	NameFold    string `json:"name_fold"`
	DisplayFold string `json:"display_fold"`
}

var organizations = entity[OrganizationRow, organizationRecord]{
	part: "organizations", key: []string{"id"},
	route: ofStream(events.KindOrganization),
	apply: (*OrganizationRow).apply,
	ids:   func(r OrganizationRow) ids { return ids{r.ID} },
	write: func(r OrganizationRow) organizationRecord {
		return organizationRecord{r, foldText(r.Name), foldText(r.DisplayName)}
	},
}

func (r *OrganizationRow) apply(of ids, rec events.Recorded) error {
	if rec.Position <= r.Position {
		return nil
	}
	if _, begins := rec.Event.(events.OrganizationCreated); !begins && r.ID == uuid.Nil {
		return errNoBeginning
	}
	switch e := rec.Event.(type) {
	case events.OrganizationCreated:
		*r = OrganizationRow{
			ID: of[0], Index: e.Index, Name: text(e.Name), DisplayName: text(e.DisplayName),
			CreatedAt: rec.RecordedAt, CreatedBy: text(rec.Meta.Actor.Name()),
		}
	case events.OrganizationRenamed:
		r.Name, r.DisplayName = text(e.Name), text(e.DisplayName)
	case events.OrganizationObjectRegistered:
		objects := maps.Clone(r.Objects)
		if objects == nil {
			objects = map[string]map[string]string{}
		}
		objects[e.Object] = e.Actions
		r.Objects = objects
	case events.OrganizationPolicyChanged:
		r.Policy = e.After
	case events.OrganizationSSOProviderChanged:
		r.Provider = e.After
	case events.OrganizationWebhookAdded, events.OrganizationWebhookRemoved,
		events.OrganizationNetworkDataErased:
		// Known to other projections; here they count as changes.
	case events.OrganizationFindingTriaged:
		return nil
	default:
		return errForeign
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, text(rec.Meta.Actor.Name())
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

// FoldOrganization folds the decisions of one organization from the beginning.
func FoldOrganization(history []events.Recorded) (OrganizationRow, error) {
	return foldOne(history, (*OrganizationRow).apply)
}

func foldOne[T any](history []events.Recorded, apply func(*T, ids, events.Recorded) error) (row T, err error) {
	for _, rec := range history {
		first, second, err := rec.Stream.IDs()
		if err == nil {
			err = apply(&row, ids{first, second}, rec)
		}
		if err != nil {
			return row, at(rec, err)
		}
	}
	if len(history) == 0 {
		return row, errNoBeginning
	}
	return row, nil
}

// UserRow is one user. Email and DisplayName are personal values, absent where
// nobody holds the user's key any more.
type UserRow struct {
	ID            uuid.UUID       `json:"id"`
	Email         *string         `json:"email"`
	DisplayName   *string         `json:"display_name"`
	Operator      bool            `json:"operator"` // of the installation
	CreatedAt     time.Time       `json:"created_at"`
	CreatedBy     string          `json:"created_by"`
	UpdatedAt     time.Time       `json:"updated_at"`
	UpdatedBy     string          `json:"updated_by"`
	DeactivatedAt *time.Time      `json:"deactivated_at"`
	Version       events.Version  `json:"version"`
	Position      events.Position `json:"position"`
}

type userRecord struct {
	UserRow
	EmailFold   *string `json:"email_fold"`
	DisplayFold *string `json:"display_fold"`
}

var users = entity[UserRow, userRecord]{
	part: "users", key: []string{"id"},
	route: func(rec events.Recorded) (ids, bool) {
		if e, ok := rec.Event.(events.InstallationOperatorAppointed); ok {
			return ids{e.User}, true
		}
		return ofStream(events.KindUser)(rec)
	},
	apply: (*UserRow).apply,
	ids:   func(r UserRow) ids { return ids{r.ID} },
	write: func(r UserRow) userRecord {
		return userRecord{r, folded(r.Email), folded(r.DisplayName)}
	},
}

func folded(s *string) *string {
	if s == nil {
		return nil
	}
	f := foldText(*s)
	return &f
}

// apply folds one event. A user may be appointed an operator in the append that
// creates him, before he stands in the log.
func (r *UserRow) apply(of ids, rec events.Recorded) error {
	if rec.Position <= r.Position {
		return nil
	}
	switch e := rec.Event.(type) {
	case events.InstallationOperatorAppointed:
		r.ID, r.Operator = e.User, true
		r.Position = rec.Position
		return nil
	case events.UserCreated:
		*r = UserRow{
			ID: of[0], Operator: r.Operator, Email: optionalText(e.Email.Value), DisplayName: optionalText(e.DisplayName.Value),
			CreatedAt: rec.RecordedAt, CreatedBy: text(rec.Meta.Actor.Name()),
		}
	case events.UserUpdated:
		r.Email, r.DisplayName = optionalText(e.Email.Value), optionalText(e.DisplayName.Value)
	case events.UserDeactivated:
		r.DeactivatedAt = &rec.RecordedAt
	case events.UserReactivated:
		r.DeactivatedAt = nil
	case events.UserErased:
		r.Email, r.DisplayName = nil, nil
	case events.UserIdentityLinked, events.UserSignedOut:
		// Known to other projections; here they count as changes.
	case events.UserSignedIn:
		return nil
	default:
		return errForeign
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, text(rec.Meta.Actor.Name())
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

// FoldUser folds the decisions of one user from the beginning. It knows nothing
// of an appointment as operator, which stands elsewhere.
func FoldUser(history []events.Recorded) (UserRow, error) {
	return foldOne(history, (*UserRow).apply)
}
