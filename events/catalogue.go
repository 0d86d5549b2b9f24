// The catalogue: one table of every event type this program knows.

package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Kind describes one event type. Observation types never carry a version.
type Kind struct {
	Type        Type
	Version     int // of the data's shape; grows when it changes incompatibly
	Observation bool
	Summary     string
	zero        Event
	codec       *codec // of the event's data
}

// Zero is the type's zero event, for tools that look at its shape.
func (k Kind) Zero() Event { return k.zero }

// stream is the kind of stream in which events of this kind stand.
func (k Kind) stream() StreamKind {
	of, _, _ := strings.Cut(string(k.Type), ".")
	return StreamKind(of)
}

// check refuses a place in which no event of this kind can stand.
func (k Kind) check(stream StreamID, trail TrailID) error {
	if stream.Kind() != k.stream() {
		return fmt.Errorf("%s in stream %s: %w", k.Type, stream, ErrIdentity)
	}
	if err := stream.check(); err != nil {
		return err
	}
	return trail.check()
}

// decode reads an event's data strictly: a field that the type lacks means that
// a newer program wrote it, and dropping it would lose a fact.
func (k Kind) decode(data []byte) (Event, error) {
	r := reader{b: data}
	v := reflect.New(reflect.TypeOf(k.zero)).Elem()
	k.codec.read(&r, v)
	if r.i != len(data) {
		r.fail("the end")
	}
	if r.err != nil {
		return nil, r.err
	}
	return v.Interface().(Event), nil
}

func decision[E Event](summary string) Kind {
	var zero E
	return Kind{
		Type: zero.Type(), Version: 1, Summary: summary,
		zero: zero, codec: codecOf(reflect.TypeFor[E]()),
	}
}

func observation[E Event](summary string) Kind {
	k := decision[E](summary)
	k.Observation = true
	return k
}

// Catalogue lists every event type, in the order in which documents show them.
func Catalogue() []Kind { return catalogue[:] }

var catalogue = [...]Kind{
	decision[InstallationInitialized]("The log begins."),
	decision[InstallationOrganizationRegistered]("An organization gets the next index."),
	decision[InstallationOperatorAppointed]("A user becomes an operator of the installation."),
	decision[InstallationAdministratorRecovered]("An administrator's token was issued with database credentials."),
	decision[InstallationKeyRotated]("Keys of one use have a new version."),
	decision[InstallationEventsArchived]("The oldest events stand in an archive, and leave the database."),
	observation[InstallationUnknownRefused]("Guesses at token ids that do not exist, summed up."),

	decision[OrganizationCreated]("An organization begins; the first event of its trail."),
	decision[OrganizationRenamed]("An organization has other names."),
	decision[OrganizationObjectRegistered]("An object of the organization's systems and its actions are known."),
	decision[OrganizationPolicyChanged]("What the organization demands of tokens changes."),
	decision[OrganizationSSOProviderChanged]("The organization's single sign-on has another provider."),
	decision[OrganizationWebhookAdded]("The organization's events are sent to a URL."),
	decision[OrganizationWebhookRemoved]("Events are no longer sent there."),
	decision[OrganizationNetworkDataErased]("The addresses and agents seen with the organization's tokens can no longer be read."),
	observation[OrganizationFindingTriaged]("Somebody says what became of a finding."),

	decision[UserCreated]("A user begins; the first event of that user's trail."),
	decision[UserUpdated]("A user has another address or name."),
	decision[UserDeactivated]("A user may do nothing any more."),
	decision[UserReactivated]("A user is let in again; what ended stays ended."),
	decision[UserIdentityLinked]("A user has an account at an OpenID provider."),
	decision[UserSignedOut]("A user's sessions end."),
	decision[UserErased]("A user's personal values can no longer be read."),
	observation[UserSignedIn]("A user comes in through a provider."),

	decision[MembershipStarted]("A user becomes a member of an organization."),
	decision[MembershipRoleChanged]("A member has another role."),
	decision[MembershipProvisioned]("The organization's identity provider calls a member by other names."),
	decision[MembershipEnded]("A user is no longer a member."),

	decision[InvitationIssued]("Somebody is offered a membership."),
	decision[InvitationAccepted]("An offer is taken, once."),
	decision[InvitationWithdrawn]("An offer is taken back."),

	decision[TokenCreated]("A token is created."),
	decision[TokenRenamed]("A token has another name."),
	decision[TokenDescribed]("A token has another description."),
	decision[TokenTagged]("A token has other tags."),
	decision[TokenScopesChanged]("A token has other scopes."),
	decision[TokenExpiryChanged]("A token's deadline moves."),
	decision[TokenOrganizationsChanged]("A personal token is granted to other organizations."),
	decision[TokenRotated]("A token gets a successor."),
	decision[TokenDelivered]("A token made by rotation was used for the first time: its value has arrived."),
	decision[TokenSuspended]("A token's uses are refused for now."),
	decision[TokenResumed]("A suspended token works again."),
	decision[TokenRevoked]("A token ends for good."),
	decision[TokenExpired]("A token's deadline came."),
	decision[TokenSSOAuthorized]("An organization token is authorized through single sign-on."),
	decision[TokenSSOAuthorizationWithdrawn]("An organization token's authorization is taken back."),
	decision[TokenExpiryWarned]("A token's deadline is near."),
	decision[TokenReviewed]("Somebody looked at a token and kept it."),
	decision[TokenDeleted]("A token leaves the lists."),
	observation[TokenUsed]("An allowed use, or a number of them."),
	observation[TokenUseRefused]("A refused use of a known token, or a number of them."),
	observation[TokenSourceSeen]("A token is used from an address and agent not seen before."),

	decision[GrantGiven]("A personal token may reach the organization."),
	decision[GrantChanged]("A granted token has another name, scopes or deadline."),
	decision[GrantApproved]("A pending grant is approved and opens."),
	decision[GrantExpiryWarned]("A granted token's deadline is near."),
	decision[GrantReviewed]("Somebody looked at a grant and kept it."),
	decision[GrantSuspended]("A granted token is suspended."),
	decision[GrantResumed]("A granted token works again."),
	decision[GrantEnded]("A personal token may no longer reach the organization."),
	decision[GrantSSOAuthorized]("A personal token is authorized through the organization's single sign-on."),
	decision[GrantSSOAuthorizationWithdrawn]("A personal token's authorization is taken back."),

	decision[ReviewOpened]("An access review begins."),
	decision[ReviewDecided]("A reviewer decides on one token."),
	decision[ReviewClosed]("An access review ends."),
}

var kinds = func() map[Type]*Kind {
	m := make(map[Type]*Kind, len(catalogue))
	for i := range catalogue {
		m[catalogue[i].Type] = &catalogue[i]
	}
	return m
}()

// KindOf looks a type up in the catalogue.
func KindOf(t Type) (Kind, bool) {
	k, ok := kinds[t]
	if !ok {
		return Kind{}, false
	}
	return *k, true
}

// Unknown is an event that this program has no type for: written by a newer
// program, or with a newer shape. It is kept and passed on as it stands.
type Unknown struct {
	Name    Type
	Version int
	Data    json.RawMessage
}

// Type implements [Event].
func (u Unknown) Type() Type { return u.Name }
func (Unknown) sealed()      {}
