// The catalogue of reports: one table, from which the interfaces, the documents and the pack are made.

package evidence

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

func textOf(v any) string { return fmt.Sprint(v) }

// accessEvents are what opens and closes ways to an organization.
var accessEvents = []string{"membership", "grant", "token.created", "token.scopes_changed", "token.suspended", "token.resumed", "token.revoked", "token.expired", "token.deleted", "token.sso_authorized", "token.sso_authorization_withdrawn"}

var kinds = [...]Kind{
	{
		Name: "population", Title: "Population of tokens", Criteria: []string{"SOC 2 CC6.1", "ISO 27001 A.5.16"},
		events: []string{"token.created", "grant.given"},
		Limits: []string{"A personal token is listed by its grant to the organization; what its owner does with it elsewhere is another organization's."},
		make:   func(Request) fold { return &population{} },
	},
	{
		Name: "roll-forward", Title: "Lifecycle roll-forward", Criteria: []string{"SOC 2 CC6.2", "SOC 2 CC6.3"},
		events: []string{"token.created", "grant.given", "token.revoked", "token.expired", "token.deleted", "grant.ended"},
		Limits: []string{"A suspended token counts as live: it can be resumed. A token that was deleted while it was live counts as deleted, and not as revoked too."},
		make:   func(Request) fold { return &rollForward{} },
	},
	{
		Name: "access", Title: "Access at the end of the period", Criteria: []string{"SOC 2 CC6.1"},
		events: accessEvents,
		Limits: []string{"A user who was deactivated is listed until his membership ends; his tokens are refused from then on."},
		make:   func(Request) fold { return access{} },
	},
	{
		Name: "access-difference", Title: "Access: difference between the beginning and the end", Criteria: []string{"SOC 2 CC6.1"},
		events: accessEvents,
		make:   func(Request) fold { return accessDifference{} },
	},
	{
		Name: "leavers", Title: "Leavers", Criteria: []string{"SOC 2 CC6.2", "SOC 2 CC6.3"},
		events: []string{"membership.ended", "grant.ended", "token.used"},
		Limits: []string{"Somebody departs here when his membership ends; when he left the company is not known to the ledger."},
		make:   func(Request) fold { return &leavers{away: map[uuid.UUID]*leaver{}} },
	},
	{
		Name: "usage", Title: "Usage and access patterns", Criteria: []string{"SOC 2 CC7.2", "ISO 27001 A.8.15"},
		events: []string{"token.used", "token.use_refused", "token.source_seen"},
		Limits: []string{"A use is what was verified here; what a system allowed by itself after that is in its own records. Refusals beyond ten a minute, token and reason are summed up.", fmt.Sprintf("Of a token's sources, actions and resources the first %d each are listed; what it did beyond them is summed up as %s.", maxValues, otherValues)},
		make:   newUsage,
	},
	{
		Name: "dormant", Title: "Dormant, never used, over-age and never-expiring tokens", Criteria: []string{"SOC 2 CC6.1", "ISO 27001 A.5.18"},
		events: []string{"token.created", "grant.given", "token.used"},
		Limits: []string{"Age counts from the creation of the token, or from the grant of a personal one."},
		make:   func(Request) fold { return &dormant{used: map[uuid.UUID]time.Time{}} },
	},
	{
		Name: "revocations", Title: "Revocations", Criteria: []string{"SOC 2 CC6.3"},
		events: []string{"token.revoked", "grant.ended", "token.suspended", "token.resumed", "grant.suspended", "grant.resumed"},
		Limits: []string{"The detection is the suspension that preceded the end; when somebody noticed without suspending is not known."},
		make:   func(Request) fold { return &revocations{suspended: map[uuid.UUID]suspension{}} },
	},
	{
		Name: "reviews", Title: "Access reviews", Criteria: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18"},
		events: []string{"review", "token.reviewed", "grant.reviewed"},
		Limits: []string{"The owner of an organization's token is taken to be who created it."},
		make:   func(Request) fold { return &reviews{byID: map[uuid.UUID]*Review{}} },
	},
	{
		Name: "changes", Title: "Changes of policy and configuration", Criteria: []string{"SOC 2 CC8.1"},
		events: []string{"organization", "membership"},
		Limits: []string{"Settings of the installation itself, such as its listeners, are not in the log."},
		make:   func(Request) fold { return &changes{} },
	},
	{
		Name: "findings", Title: "Findings and their triage", Criteria: []string{"SOC 2 CC7.2", "ISO 27001 A.8.16"},
		events: []string{"organization.finding_triaged", "token.source_seen", "token.use_refused"},
		Limits: []string{
			"The rules are those of the program that makes the report; what they cannot see is unusual all the same.",
			"A finding that only erased values could show is gone with them; what people said of it is listed.",
		},
		make: func(Request) fold { return &findings{triaged: map[findingName]triage{}} },
	},
	{
		Name: "leak", Title: "Leak report", Criteria: []string{"SOC 2 CC7.3", "SOC 2 CC7.4"},
		events:   []string{"token", "grant"},
		Limits:   []string{"When the value got into other hands is not known; the window is the longest possible one.", fmt.Sprintf("The first %d sources and the first %d operations are listed; what is more is summed up as %s.", maxOperations, maxOperations, otherValues)},
		OnDemand: true, make: newLeak,
	},
}
