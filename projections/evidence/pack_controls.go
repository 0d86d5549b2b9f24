// controls.csv: which events speak to which criterion, and how many there were.

package evidence

import (
	"context"
	"encoding/csv"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenledger/tokenledger/events"
)

// Control is one criterion of an audit and the events that speak to it. A type
// may name all of a stream kind.
type Control struct {
	Criterion string
	About     string
	Types     []string
}

// Controls is the map that packs and the audit guide have.
func Controls() []Control { return slices.Clone(controls[:]) }

var controls = [...]Control{
	{"SOC 2 CC6.1", "Logical access is restricted to what was authorized", []string{"token", "grant", "membership", "organization.policy_changed"}},
	{"SOC 2 CC6.2", "Access is registered and authorized before it is given, and removed when it ends", []string{"token.created", "grant.given", "grant.approved", "invitation", "membership.started", "membership.ended", "token.revoked", "token.expired"}},
	{"SOC 2 CC6.3", "Access is changed and removed by role and need", []string{"membership.role_changed", "membership.ended", "token.scopes_changed", "token.revoked", "grant.ended", "review", "token.reviewed", "grant.reviewed"}},
	{"SOC 2 CC6.6", "Access from outside is protected", []string{"token.source_seen", "token.use_refused", "token.sso_authorized", "grant.sso_authorized", "organization.sso_provider_changed"}},
	{"SOC 2 CC6.7", "Transmission of information is restricted", []string{"organization.webhook_added", "organization.webhook_removed"}},
	{"SOC 2 CC6.8", "Unauthorized credentials are prevented and detected", []string{"token.use_refused", "organization.finding_triaged"}},
	{"SOC 2 CC7.2", "Anomalies are monitored", []string{"token.used", "token.use_refused", "token.source_seen", "organization.finding_triaged"}},
	{"SOC 2 CC7.3", "Security events are evaluated", []string{"organization.finding_triaged", "token.suspended", "grant.suspended"}},
	{"SOC 2 CC7.4", "Incidents are responded to", []string{"token.revoked", "token.rotated", "token.suspended", "grant.ended"}},
	{"SOC 2 CC8.1", "Changes are authorized and recorded", []string{"organization", "token.scopes_changed", "token.expiry_changed"}},
	{"ISO 27001 A.5.15", "Access control", []string{"organization.policy_changed", "token", "grant"}},
	{"ISO 27001 A.5.16", "Identity management", []string{"membership", "invitation", "token.created", "token.deleted"}},
	{"ISO 27001 A.5.17", "Authentication information", []string{"token.created", "token.rotated", "token.revoked", "token.expired"}},
	{"ISO 27001 A.5.18", "Access rights", []string{"grant", "review", "token.reviewed", "grant.reviewed", "token.scopes_changed"}},
	{"ISO 27001 A.8.2", "Privileged access rights", []string{"membership.started", "membership.role_changed"}},
	{"ISO 27001 A.8.5", "Secure authentication", []string{"token.sso_authorized", "grant.sso_authorized", "organization.sso_provider_changed", "token.use_refused"}},
	{"ISO 27001 A.8.15", "Logging", []string{"token.used", "token.use_refused", "token.source_seen"}},
	{"ISO 27001 A.8.16", "Monitoring activities", []string{"organization.finding_triaged", "token.source_seen"}},
	{"ISO 27001 A.8.17", "Clock synchronization", []string{}},
}

// typesOf are the event types that names stand for: a kind of stream stands for all of its own.
func typesOf(names []string) []string {
	var all []string
	for _, name := range names {
		if strings.Contains(name, ".") {
			all = append(all, name)
			continue
		}
		for _, k := range events.Catalogue() {
			if strings.HasPrefix(string(k.Type), name+".") {
				all = append(all, string(k.Type))
			}
		}
	}
	return all
}

// controls counts the events of the period by type and lists them by criterion.
// A type that did not occur is a row with 0.
func (p *Plan) controls(ctx context.Context, w io.Writer) error {
	counts := map[string]int64{}
	err := p.each(ctx, func(rec events.Recorded) error {
		if !rec.RecordedAt.Before(p.From) && rec.RecordedAt.Before(p.To) {
			counts[string(rec.Event.Type())]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write([]string{"criterion", "about", "event_type", "count"})
	for _, c := range controls {
		types := typesOf(c.Types)
		if len(types) == 0 {
			_ = out.Write([]string{c.Criterion, c.About, "(every event: its time is the database's, bounded by signed epochs)", strconv.FormatInt(total(counts), 10)})
		}
		for _, t := range types {
			_ = out.Write([]string{c.Criterion, c.About, t, strconv.FormatInt(counts[t], 10)})
		}
	}
	out.Flush()
	return out.Error()
}

func total(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// counting is a source that tells the progress of a plan.
type counting struct {
	Source
	plan *Plan
}

// Trail implements [Source].
func (c counting) Trail(ctx context.Context, trail events.TrailID, after, through events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for rec, err := range c.Source.Trail(ctx, trail, after, through) {
			if err == nil && int64(rec.TrailPosition) > c.plan.Manifest.After {
				c.plan.progress()
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}
