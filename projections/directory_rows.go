// The rows of organizations, users and memberships, and how events change them.

package projections

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// OrganizationRow is one organization.
type OrganizationRow struct {
	ID          uuid.UUID                    `json:"id"`
	Index       int64                        `json:"index"`
	Name        string                       `json:"name"`
	DisplayName string                       `json:"display_name"`
	Policy      events.Policy                `json:"policy"`
	Objects     map[string]map[string]string `json:"objects"` // registered object → action → verb
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
	ids:   func(r OrganizationRow) ids { return ids{r.ID} },
	apply: func(r *OrganizationRow, of ids, rec events.Recorded) error { return r.apply(of[0], rec) },
	record: func(r OrganizationRow) organizationRecord {
		return organizationRecord{r, foldText(r.Name), foldText(r.DisplayName)}
	},
}

func (r *OrganizationRow) apply(id uuid.UUID, rec events.Recorded) error {
	e, ok := rec.Event.(events.OrganizationEvent)
	if !ok {
		return errForeign
	}
	created, begins := e.(events.OrganizationCreated)
	if !begins && r.ID == uuid.Nil {
		return errNoBeginning
	}
	switch e := e.(type) {
	case events.OrganizationCreated:
		*r = OrganizationRow{
			ID: id, Index: created.Index, Name: text(e.Name), DisplayName: text(e.DisplayName),
			CreatedAt: rec.RecordedAt, CreatedBy: text(rec.Meta.Actor.Name()),
		}
	case events.OrganizationRenamed:
		r.Name, r.DisplayName = text(e.Name), text(e.DisplayName)
	case events.OrganizationObjectRegistered:
		objects := maps.Clone(r.Objects)
		if objects == nil {
			objects = map[string]map[string]string{}
		}
		objects[text(e.Object)] = textMap(e.Actions)
		r.Objects = objects
	case events.OrganizationPolicyChanged:
		r.Policy = e.After
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, text(rec.Meta.Actor.Name())
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

func textMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[text(k)] = text(v)
	}
	return out
}

// UserRow is one user. Email and DisplayName are nil where they were not given,
// or cannot be opened any more.
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

// Active reports whether the user has not been deactivated.
func (r UserRow) Active() bool { return r.DeactivatedAt == nil }

type userRecord struct {
	UserRow
	EmailFold   *string `json:"email_fold"`
	DisplayFold *string `json:"display_fold"`
}

var users = entity[UserRow, userRecord]{
	part: "users", key: []string{"id"},
	route: routeUser,
	ids:   func(r UserRow) ids { return ids{r.ID} },
	apply: func(r *UserRow, of ids, rec events.Recorded) error { return r.apply(of[0], rec) },
	record: func(r UserRow) userRecord {
		return userRecord{r, foldOptional(r.Email), foldOptional(r.DisplayName)}
	},
}

// routeUser adds to a user's own stream that the installation made him an operator.
func routeUser(rec events.Recorded) (ids, bool) {
	if e, ok := rec.Event.(events.InstallationOperatorAppointed); ok {
		return ids{e.User}, true
	}
	return ofStream(events.KindUser)(rec)
}

func (r *UserRow) apply(id uuid.UUID, rec events.Recorded) error {
	switch e := rec.Event.(type) {
	case events.InstallationOperatorAppointed:
		// It may stand before the user's own first event, in the append that makes both.
		r.ID, r.Operator = id, true
		return nil
	case events.UserCreated:
		*r = UserRow{
			ID: id, Operator: r.Operator, Email: optionalText(e.Email.Value), DisplayName: optionalText(e.DisplayName.Value),
			CreatedAt: rec.RecordedAt, CreatedBy: text(rec.Meta.Actor.Name()),
		}
	case events.UserEvent:
		if r.Version == 0 {
			return errNoBeginning
		}
		r.change(rec, e)
	default:
		return errForeign
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, text(rec.Meta.Actor.Name())
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

func (r *UserRow) change(rec events.Recorded, e events.UserEvent) {
	switch e := e.(type) {
	case events.UserUpdated:
		r.Email, r.DisplayName = optionalText(e.Email.Value), optionalText(e.DisplayName.Value)
	case events.UserDeactivated:
		r.DeactivatedAt = optionalTime(rec.RecordedAt)
	case events.UserReactivated:
		r.DeactivatedAt = nil
	case events.UserCreated:
		// begun by apply
	}
}

func foldOptional(s *string) *string {
	if s == nil {
		return nil
	}
	folded := foldText(*s)
	return &folded
}

// MembershipRow is one user's membership of one organization, also after its end.
type MembershipRow struct {
	Organization uuid.UUID       `json:"organization"`
	User         uuid.UUID       `json:"user_id" db:"user_id"`
	Role         events.Role     `json:"role"`
	Until        *time.Time      `json:"until"`
	StartedAt    time.Time       `json:"started_at"`
	StartedBy    string          `json:"started_by"`
	EndedAt      *time.Time      `json:"ended_at"`
	EndedBy      *string         `json:"ended_by"`
	UpdatedAt    time.Time       `json:"updated_at"`
	UpdatedBy    string          `json:"updated_by"`
	Version      events.Version  `json:"version"`
	Position     events.Position `json:"position"`
}

// Live reports whether the membership holds at the instant.
func (r MembershipRow) Live(now time.Time) bool {
	return r.EndedAt == nil && (r.Until == nil || r.Until.After(now))
}

// liveMembershipSQL is MembershipRow.Live over a row m.
const liveMembershipSQL = `(m.ended_at IS NULL AND (m.until IS NULL OR m.until > $now))`

var memberships = entity[MembershipRow, MembershipRow]{
	part: "memberships", key: []string{"organization", "user_id"},
	route:  ofStream(events.KindMembership),
	ids:    func(r MembershipRow) ids { return ids{r.Organization, r.User} },
	apply:  func(r *MembershipRow, of ids, rec events.Recorded) error { return r.apply(of, rec) },
	record: asRead[MembershipRow],
}

func (r *MembershipRow) apply(of ids, rec events.Recorded) error {
	e, ok := rec.Event.(events.MembershipEvent)
	if !ok {
		return errForeign
	}
	_, begins := e.(events.MembershipStarted)
	if !begins && r.Version == 0 {
		return errNoBeginning
	}
	now, actor := rec.RecordedAt, text(rec.Meta.Actor.Name())
	switch e := e.(type) {
	case events.MembershipStarted:
		*r = MembershipRow{
			Organization: of[0], User: of[1], Role: e.Role, Until: optionalTime(e.Until),
			StartedAt: now, StartedBy: actor,
		}
	case events.MembershipRoleChanged:
		r.Role, r.Until = e.Role, optionalTime(e.Until)
	case events.MembershipEnded:
		r.EndedAt, r.EndedBy = &now, &actor
	}
	r.UpdatedAt, r.UpdatedBy = now, actor
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}
