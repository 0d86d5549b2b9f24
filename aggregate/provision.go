// The use case of identity providers: one organization's tells who is a member.

package aggregate

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Provision is what an organization's identity provider says of one user; what
// is nil stays as it is. The provider speaks for its organization alone: it
// makes, changes and ends memberships with the role member, and reaches the
// user behind one only as far as the user belongs nowhere else.
type Provision struct {
	Organization uuid.UUID
	User         uuid.UUID // zero: whoever has the profile's address, or a new user
	Names        *ProviderNames
	Profile      *Profile
	Active       *bool
	// UserVersion and MemberVersion are those that the provider knows; nil: whatever they are.
	UserVersion, MemberVersion *events.Version
}

// The reasons that stand in the log where a provider ends something.
const (
	reasonDeactivated = "deactivated by the organization's identity provider"
	reasonRemoved     = "removed by the organization's identity provider"
)

// Provision does what the identity provider says, in one append.
func (y *Directory) Provision(ctx context.Context, call Call, in Provision) (Made, error) {
	run := y.runInTurn
	if in.Names == nil && in.Profile == nil && in.Active != nil && !*in.Active { // only lets out
		run = y.runAtOnce
	}
	return run(ctx, call, "Provision", in, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			at, err := enter(ctx, d, who, in.Organization)
			if err != nil {
				return in.User, err
			}
			p := provisioning{Directory: y, d: d, at: at, in: in}
			if in.User == uuid.Nil {
				err = p.create(ctx)
			} else {
				err = p.change(ctx)
			}
			return p.in.User, err
		})
}

// Deprovision takes a user out of the organization, and the provider's names
// with it: it knows the member no longer.
func (y *Directory) Deprovision(ctx context.Context, call Call, in Provision) (Made, error) {
	return y.runAtOnce(ctx, call, "Deprovision", in, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			at, err := enter(ctx, d, who, in.Organization)
			if err != nil {
				return in.User, err
			}
			p := provisioning{Directory: y, d: d, at: at, in: in}
			if err := p.load(ctx); err != nil {
				return in.User, err
			}
			d.Because(reasonRemoved)
			if err := p.end(ctx); err != nil {
				return in.User, err
			}
			return in.User, p.onMember(ctx, NameMember{ID: in.User, User: p.user})
		})
}

// provisioning is one request of a provider while it is decided.
type provisioning struct {
	*Directory
	d      *Decision
	at     place
	in     Provision
	user   User
	member Membership
	other  bool     // the user belongs to other organizations, too
	late   *Refusal // the index does not tell whether there are others; nil: it does
}

func (p *provisioning) stream() events.StreamID {
	return events.MembershipStream(p.in.Organization, p.in.User)
}

func (p *provisioning) onMember(ctx context.Context, cmd MembershipCommand) error {
	return onMembership(ctx, p.d, p.in.Organization, p.in.User, cmd)
}

// authorize asks for the membership with this role: as it is, or as it shall be.
func (p *provisioning) authorize(role events.Role) error {
	standing := p.at.Standing
	standing.Member = role
	return Authorize(p.at.who, standing, OpProvision)
}

// create makes a user, or takes in the one who has the address.
func (p *provisioning) create(ctx context.Context) error {
	if err := p.authorize(events.RoleMember); err != nil {
		return err
	}
	if p.in.Profile == nil || p.in.Names == nil {
		return refuse(CodeBadUserInput, "userName", "A user begins with a name and an address.")
	}
	if err := p.freeName(ctx); err != nil {
		return err
	}
	if err := p.current(ctx, p.d, events.KindUser); err != nil {
		return err
	}
	known, found, err := p.Index.UserByEmail(ctx, p.in.Profile.Email)
	if err != nil {
		return fmt.Errorf("look up the address: %w", err)
	}
	if found {
		p.in.User = known
		return p.takeIn(ctx)
	}
	if p.in.User, err = newUser(ctx, p.d, *p.in.Profile); err != nil {
		return err
	}
	p.user = User{Exists: true}
	if err := p.begin(ctx); err != nil {
		return err
	}
	return p.settle(ctx)
}

// takeIn makes a user who exists already a member. Whoever is one is not made
// twice; whoever was deactivated comes back only where he was a member before.
func (p *provisioning) takeIn(ctx context.Context) error {
	if err := p.find(ctx); err != nil {
		return err
	}
	switch {
	case p.member.RoleAt(p.d.now) != "":
		return refuse(CodeConflict, "email", "A member has this address already.")
	case !p.user.Active() && p.d.Version(p.stream()) == 0:
		return refuse(CodeConflict, "email", "The user with this address has been deactivated.")
	}
	if err := p.resume(ctx); err != nil {
		return err
	}
	return p.settle(ctx)
}

// settle records the names of a membership that has just begun, and ends it
// where the provider wants the user to be there and not let in.
func (p *provisioning) settle(ctx context.Context) error {
	if err := p.onMember(ctx, NameMember{ID: p.in.User, User: p.user, Names: *p.in.Names}); err != nil {
		return err
	}
	if p.in.Active == nil || *p.in.Active {
		return nil
	}
	if err := p.find(ctx); err != nil {
		return err
	}
	p.d.Because(reasonDeactivated)
	return p.end(ctx)
}

// change does what is asked of a member, or of a former one.
func (p *provisioning) change(ctx context.Context) error {
	if err := p.load(ctx); err != nil {
		return err
	}
	if p.in.Names != nil {
		if err := p.freeName(ctx); err != nil {
			return err
		}
		if err := p.onMember(ctx, NameMember{ID: p.in.User, User: p.user, Names: *p.in.Names}); err != nil {
			return err
		}
	}
	if err := p.letInOrOut(ctx); err != nil {
		return err
	}
	return p.profile(ctx)
}

// letInOrOut lets the user in, or out.
func (p *provisioning) letInOrOut(ctx context.Context) error {
	switch {
	case p.in.Active == nil:
		return nil
	case !*p.in.Active:
		p.d.Because(reasonDeactivated)
		return p.end(ctx)
	case p.member.RoleAt(p.d.now) == "":
		return p.resume(ctx)
	case !p.user.Active():
		return refuse(CodeConflict, "active", "This user has been deactivated by an administrator, who alone lets him in again.")
	}
	return nil
}

// profile changes the address and name of a member. Those of somebody who
// belongs elsewhere, too, or here no longer are not this provider's to change,
// and stay.
func (p *provisioning) profile(ctx context.Context) error {
	m, err := Load(ctx, p.d, MembershipDecider, p.stream())
	if err != nil || p.in.Profile == nil || p.other || m.RoleAt(p.d.now) == "" {
		return err
	}
	if p.late != nil {
		return p.late
	}
	if err := onUser(ctx, p.d, p.in.User, UpdateUser{ID: p.in.User, Profile: *p.in.Profile}); err != nil {
		return err
	}
	return p.freeAddress(ctx, p.d, p.in.Profile.Email, p.in.User)
}

// load finds the member whom a change is about and checks that the provider may
// make it.
func (p *provisioning) load(ctx context.Context) error {
	if err := p.find(ctx); err != nil {
		return err
	}
	role := p.member.Role
	if role == "" {
		role = events.RoleMember // as it would begin anew
	}
	if err := p.authorize(role); err != nil {
		return err
	}
	member, user := p.d.Version(p.stream()), p.d.Version(events.UserStream(p.in.User))
	if member == 0 {
		return User{}.mustExist()
	}
	for _, v := range []struct {
		known *events.Version
		now   events.Version
	}{{p.in.UserVersion, user}, {p.in.MemberVersion, member}} {
		if v.known != nil && *v.known != v.now {
			return refuse(CodeConflict, "version", "It has been changed meanwhile.")
		}
	}
	return nil
}

// find loads membership and user, and whether the user belongs elsewhere.
func (p *provisioning) find(ctx context.Context) (err error) {
	if p.member, err = Load(ctx, p.d, MembershipDecider, p.stream()); err != nil {
		return err
	}
	if p.user, err = Load(ctx, p.d, UserDecider, events.UserStream(p.in.User)); err != nil {
		return err
	}
	if p.late, err = p.soon(ctx, p.d, events.KindMembership); err != nil {
		return err
	}
	organizations, err := p.Index.OrganizationsOf(ctx, p.in.User)
	if err != nil {
		return fmt.Errorf("look up the user's organizations: %w", err)
	}
	p.other = false
	for _, id := range organizations {
		if id == p.in.Organization {
			continue
		}
		m, err := Load(ctx, p.d, MembershipDecider, events.MembershipStream(id, p.in.User))
		if err != nil {
			return err
		}
		p.other = p.other || m.RoleAt(p.d.now) != ""
	}
	return nil
}

// freeName refuses a name that the provider has given to another member.
func (p *provisioning) freeName(ctx context.Context) error {
	if p.in.Names.UserName == "" {
		return refuse(CodeBadUserInput, "userName", "A user has a name that it goes by.")
	}
	if err := p.current(ctx, p.d, events.KindMembership); err != nil {
		return err
	}
	other, found, err := p.Index.MemberByName(ctx, p.in.Organization, p.in.Names.UserName)
	if err != nil {
		return fmt.Errorf("look up the name: %w", err)
	}
	if found && other != p.in.User {
		return refuse(CodeConflict, "userName", "There is a user with this name already.")
	}
	return nil
}

// begin starts a membership.
func (p *provisioning) begin(ctx context.Context) error {
	return p.onMember(ctx, StartMembership{Organization: p.in.Organization, User: p.in.User, Role: events.RoleMember})
}

// resume lets a user in who belongs to the organization no longer. What ended
// with the former membership stays ended.
func (p *provisioning) resume(ctx context.Context) error {
	if !p.user.Active() {
		switch {
		case p.other:
			return refuse(CodeConflict, "active", "This user has been deactivated and belongs to other organizations, too.")
		case p.late != nil:
			return p.late
		}
		if err := p.letIn(ctx, p.d, p.in.User); err != nil {
			return err
		}
	}
	if p.member.Role != "" { // its time is over, and nobody has recorded that yet
		if err := p.onMember(ctx, EndMembership{}); err != nil {
			return err
		}
		if err := p.endGrants(ctx, p.d, p.in.Organization, p.in.User); err != nil {
			return err
		}
	} else if err := p.endLeftovers(ctx, p.d, p.in.Organization, p.in.User); err != nil {
		return err
	}
	return p.begin(ctx)
}

// end takes the user out, and lets him in nowhere if he certainly belongs nowhere
// else. An operator of the installation is not the organization's to shut out.
func (p *provisioning) end(ctx context.Context) error {
	m, err := Load(ctx, p.d, MembershipDecider, p.stream())
	if err != nil || m.Role == "" {
		return err
	}
	if err := p.onMember(ctx, EndMembership{}); err != nil {
		return err
	}
	if err := p.endGrants(ctx, p.d, p.in.Organization, p.in.User); err != nil {
		return err
	}
	inst, err := Load(ctx, p.d, InstallationDecider, events.InstallationStream)
	if err != nil || p.other || p.late != nil || !p.user.Active() || slices.Contains(inst.Operators, p.in.User) {
		return err
	}
	if err := onUser(ctx, p.d, p.in.User, DeactivateUser{}); err != nil {
		return err
	}
	return p.endAllGrants(ctx, p.d, p.in.User)
}
