// The Open Cybersecurity Schema Framework: events for systems that collect them from everywhere.
//
// Uses and refusals are API Activity (6003), what changes tokens, grants, members
// and the organization is Entity Management (3004), authorization through single
// sign-on is Authentication (3002).

package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

const ocsfVersion = "1.5.0"

// The classes, each with its category.
const (
	ocsfAuthentication = 3002
	ocsfEntity         = 3004
	ocsfAPI            = 6003
)

var ocsfNames = map[int][2]string{
	ocsfAuthentication: {"Authentication", "Identity & Access Management"},
	ocsfEntity:         {"Entity Management", "Identity & Access Management"},
	ocsfAPI:            {"API Activity", "Application Activity"},
}

// Activities of the classes; 99 is one that the schema has no number for.
const (
	ocsfLogon  = 1
	ocsfLogoff = 2
	ocsfCreate = 1
	ocsfUpdate = 3
	ocsfDelete = 4
	ocsfOther  = 99
)

type ocsfObject map[string]any

// ocsfOf is one event as one object of the framework.
func ocsfOf(rec events.Recorded, leaf verify.Leaf) map[string]any {
	class, activity := ocsfClass(rec.Event)
	names := ocsfNames[class]
	o := ocsfObject{
		"class_uid": class, "class_name": names[0], "category_uid": class / 1000, "category_name": names[1],
		"activity_id": activity, "type_uid": class*100 + activity, "severity_id": 1, "status_id": 1,
		"time": rec.RecordedAt.UnixMilli(), "message": string(rec.Event.Type()),
		"metadata": ocsfObject{
			"version": ocsfVersion, "uid": Text(int64(rec.Position)), "sequence": int64(rec.TrailPosition),
			"original_time": string(leaf.At), "log_name": string(rec.Trail), "event_code": string(rec.Event.Type()),
			"correlation_uid": rec.Meta.Correlation,
			"product":         ocsfObject{"name": "tokenledger", "vendor_name": "tokenledger"},
		},
		"actor":    ocsfActor(rec.Meta.Actor),
		"unmapped": ocsfObject{"data": json.RawMessage(leaf.Data), "reason": rec.Meta.Reason, "stream": string(rec.Stream)},
	}
	if activity == ocsfOther {
		o["activity_name"] = string(rec.Event.Type())
	}
	switch class {
	case ocsfAPI:
		o.api(rec)
	case ocsfEntity:
		id, _, _ := rec.Stream.IDs()
		o["entity"] = ocsfObject{"uid": id.String(), "type": string(rec.Stream.Kind())}
		o["comment"] = rec.Meta.Reason
	case ocsfAuthentication:
		o["auth_protocol_id"], o["auth_protocol"] = 6, "OpenID"
		o["user"] = o["actor"].(ocsfObject)["user"]
		o["service"] = ocsfObject{"name": "tokenledger"}
	}
	return o
}

func (o ocsfObject) api(rec events.Recorded) {
	token, _, _ := rec.Stream.IDs()
	source := events.Position(0)
	operation, resource := "", ""
	switch e := rec.Event.(type) {
	case events.TokenUsed:
		operation, resource, source = e.Action, e.Resource, e.Source
		o["count"] = max(e.Count, 1)
	case events.TokenUseRefused:
		operation, resource, source = e.Action, e.Resource, e.Source
		o["status_id"], o["status_code"], o["severity_id"], o["count"] = 2, e.Code, 2, max(e.Count, 1)
	case events.TokenSourceSeen:
		operation, source = "source seen", rec.Position
	}
	o["api"] = ocsfObject{"operation": operation, "service": ocsfObject{"name": "tokenledger"}}
	o["resources"] = []any{ocsfObject{"name": resource}}
	o["src_endpoint"] = ocsfObject{"uid": "source " + Text(int64(source)), "type_id": 0}
	o["actor"].(ocsfObject)["session"] = ocsfObject{"credential_uid": token.String()}
}

func ocsfActor(a events.Actor) ocsfObject {
	user := ocsfObject{"uid": a.Name(), "type_id": 1}
	if a.Kind == events.ActorSystem {
		user["type_id"] = 3
	}
	out := ocsfObject{"user": user}
	if a.User != "" || a.Kind == events.ActorOrganizationToken {
		out["session"] = ocsfObject{"credential_uid": a.ID}
	}
	return out
}

func ocsfClass(e events.Event) (class, activity int) {
	switch e.(type) {
	case events.TokenUsed, events.TokenUseRefused, events.TokenSourceSeen:
		return ocsfAPI, ocsfOther
	case events.TokenSSOAuthorized, events.GrantSSOAuthorized, events.UserSignedIn:
		return ocsfAuthentication, ocsfLogon
	case events.TokenSSOAuthorizationWithdrawn, events.GrantSSOAuthorizationWithdrawn, events.UserSignedOut:
		return ocsfAuthentication, ocsfLogoff
	}
	_, what, _ := strings.Cut(string(e.Type()), ".")
	switch what {
	case "created", "given", "started", "issued", "opened", "webhook_added", "object_registered":
		return ocsfEntity, ocsfCreate
	case "deleted", "revoked", "expired", "ended", "withdrawn", "closed", "webhook_removed":
		return ocsfEntity, ocsfDelete
	}
	return ocsfEntity, ocsfUpdate
}

func (p *Plan) ocsf(ctx context.Context, w io.Writer) error { return p.each(ctx, ocsfLines(w)) }

// ocsfLines writes events as lines.
func ocsfLines(w io.Writer) func(events.Recorded) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	return func(rec events.Recorded) error {
		leaf, err := verify.ParseLeaf(rec.Leaf)
		if err != nil {
			return err
		}
		return lines.Encode(ocsfOf(rec, leaf))
	}
}

// MaxOCSF is how many events [WriteOCSF] writes at most.
const MaxOCSF = 20_000

// ErrTooMany is returned for a report that is made of more events than that.
var ErrTooMany = fmt.Errorf("the report is made of more than %d events", MaxOCSF)

// WriteOCSF writes the events that a report is made of, a line each: of its period, or
// of the whole life of the token that it is about.
func WriteOCSF(ctx context.Context, w io.Writer, from Source, t Table) error {
	k, err := KindOf(t.Report)
	if err != nil {
		return err
	}
	types, token := typesOf(k.events), t.token()
	line, n := ocsfLines(w), 0
	for rec, err := range from.Trail(ctx, events.OrganizationTrail(t.Organization), 0, t.Position) {
		if err != nil {
			return fmt.Errorf("read the trail: %w", err)
		}
		if token == uuid.Nil && rec.RecordedAt.Before(t.From) || !slices.Contains(types, string(rec.Event.Type())) {
			continue
		}
		if id, _, err := rec.Stream.IDs(); token != uuid.Nil && (err != nil || id != token) {
			continue
		}
		if n++; n > MaxOCSF {
			return ErrTooMany
		}
		if err := line(rec); err != nil {
			return fmt.Errorf("write the report as ocsf: %w", err)
		}
	}
	return nil
}

// token is the one that a report is about, if it is about one.
func (t Table) token() uuid.UUID {
	for _, p := range t.Parameters {
		if p.Name == tokenParameter {
			return uuid.MustParse(p.Value) // it was made of one
		}
	}
	return uuid.Nil
}
