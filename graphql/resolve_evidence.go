// The state at a moment, and reports: folds over the trail of the caller's organization.

package graphql

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// stateAt folds the organization's trail up to a moment; nil is now.
func (h *handler) stateAt(ctx context.Context, organization uuid.UUID, field string, asOf *model.AsOf) (*evidence.State, error) {
	if err := callerOf(ctx).may(aggregate.OpReadReports, false); err != nil {
		return nil, err
	}
	if err := h.catchUp(ctx); err != nil {
		return nil, err
	}
	point := evidence.Point{Time: requestOf(ctx).now}
	if asOf != nil {
		var err error
		if point, err = h.point(ctx, field, *asOf); err != nil {
			return nil, err
		}
	}
	s, err := evidence.At(ctx, h.views, events.OrganizationTrail(organization), point)
	if errors.Is(err, evidence.ErrTooEarly) {
		return nil, notFound(field, "The organization did not exist yet at that moment.")
	}
	return s, err
}

// point reads a moment, which must have been.
func (h *handler) point(ctx context.Context, field string, asOf model.AsOf) (evidence.Point, error) {
	if (asOf.Time == nil) == (asOf.Position == nil) {
		return evidence.Point{}, badInput(field, "%s names a moment by time or by position, by exactly one of them.", field)
	}
	if asOf.Time != nil {
		if asOf.Time.After(requestOf(ctx).now) {
			return evidence.Point{}, badInput(field+".time", "That instant has not come yet.")
		}
		return evidence.Point{Time: *asOf.Time}, nil
	}
	at, err := h.position(ctx, field+".position", *asOf.Position)
	return evidence.Point{Position: at}, err
}

// position reads a place in the log, which the read models have come to.
func (h *handler) position(ctx context.Context, field string, named int64) (events.Position, error) {
	head, err := h.log.Head(ctx)
	if err != nil {
		return 0, err
	}
	at := events.Position(named)
	if at < 1 || at > head {
		return 0, badInput(field, "The log has the positions 1 to %d.", head)
	}
	return at, h.views.Wait(ctx, at)
}

// apiTokensAsOf lists the organization's tokens as they were.
func (h *handler) apiTokensAsOf(ctx context.Context, organization uuid.UUID, l tokenList, asOf model.AsOf) (*model.APITokenConnection, error) {
	s, err := h.stateAt(ctx, organization, "asOf", &asOf)
	if err != nil {
		return nil, err
	}
	var rows []projections.TokenRow
	for _, row := range s.Tokens {
		if row.Organization() == organization {
			rows = append(rows, *row)
		}
	}
	p, err := h.views.TokensAmong(ctx, rows, projections.TokenQuery{
		Kind: events.OrganizationKind, Visible: projections.Visibility{Holder: organization, IncludeDeleted: l.deleted},
		Where: l.where, Order: orders(l.order), Page: l.page, Count: l.count, Now: s.At,
	})
	if err != nil {
		return nil, err
	}
	return &model.APITokenConnection{
		Edges: edges(p, func(row projections.TokenRow, cursor string) *model.APITokenEdge {
			return &model.APITokenEdge{Node: model.NewAPITokenAsOf(row, s.At), Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

func (h *handler) apiTokenAsOf(ctx context.Context, organization uuid.UUID, name string, asOf model.AsOf) (*model.APIToken, error) {
	id, err := h.tokenID(ctx, "id", name, events.OrganizationKind)
	if err != nil {
		return nil, err
	}
	s, err := h.stateAt(ctx, organization, "asOf", &asOf)
	if err != nil {
		return nil, err
	}
	row := s.Tokens[id]
	if row == nil || row.Organization() != organization {
		return nil, notFound("id", "There was no such token at that moment.")
	}
	return model.NewAPITokenAsOf(*row, s.At), nil
}

func moment(s *evidence.State) model.Moment {
	return model.Moment{Position: int64(s.Position), Time: s.At}
}

// AccessDiff implements accessDiff.
func (q queries) AccessDiff(ctx context.Context, from model.AsOf, to *model.AsOf) (*model.AccessDiff, error) {
	organization, err := callerOf(ctx).organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	before, err := q.stateAt(ctx, organization, "from", &from)
	if err != nil {
		return nil, err
	}
	after, err := q.stateAt(ctx, organization, "to", to)
	if err != nil {
		return nil, err
	}
	if after.Position < before.Position || after.At.Before(before.At) {
		return nil, badInput("to", "The later moment comes before the earlier one.")
	}
	changes := evidence.Diff(before, after, organization)
	if changes == nil {
		changes = []evidence.Change{}
	}
	earlier, later := moment(before), moment(after)
	return &model.AccessDiff{From: &earlier, To: &later, Changes: changes}, nil
}

// Reports implements reports.
func (q queries) Reports(ctx context.Context) ([]evidence.Kind, error) {
	return evidence.Kinds(), callerOf(ctx).may(aggregate.OpReadReports, false)
}

// Report implements report.
func (q queries) Report(
	ctx context.Context, name string, from, to *time.Time, position *int64, token, whole *string, dormantDays, overAgeDays *int,
) (*model.Report, error) {
	c := callerOf(ctx)
	organization, err := c.organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	if err := c.may(aggregate.OpReadReports, false); err != nil {
		return nil, err
	}
	r := evidence.Request{
		Organization: organization, From: value(from), To: value(to),
		DormantDays: value(dormantDays), OverAgeDays: value(overAgeDays),
	}
	if position != nil {
		if r.Position, err = q.position(ctx, "position", *position); err != nil {
			return nil, err
		}
	}
	if r.Token, r.Fingerprint, err = q.leaked(ctx, token, whole); err != nil {
		return nil, err
	}
	if r.To.IsZero() {
		r.To = requestOf(ctx).now
	}
	if r.To.After(requestOf(ctx).now) {
		return nil, badInput("to", "The period ends at an instant that has not come yet.")
	}
	if err := q.catchUp(ctx); err != nil {
		return nil, err
	}
	table, err := evidence.Report(ctx, q.views, name, r)
	if err != nil {
		return nil, reportError(err)
	}
	return &model.Report{Table: table}, nil
}

func reportError(err error) error {
	switch {
	case errors.Is(err, evidence.ErrUnknownReport):
		var names []string
		for _, k := range evidence.Kinds() {
			names = append(names, k.Name)
		}
		return badInput("name", "There is no such report; there are %s.", strings.Join(names, ", "))
	case errors.Is(err, evidence.ErrPeriod):
		return badInput("to", "The period ends before it begins.")
	case errors.Is(err, evidence.ErrNoToken):
		return badInput("token", "This report is about one token: name it.")
	case errors.Is(err, evidence.ErrTokenUnknown):
		return notFound("token", "There is no such token in this organization.")
	case errors.Is(err, evidence.ErrTooEarly):
		return notFound("to", "The organization did not exist yet at that moment.")
	}
	return err
}

// leaked finds the token that the leak report is about. A value is compared by
// its hash and kept nowhere.
func (h *handler) leaked(ctx context.Context, token, whole *string) (id uuid.UUID, fingerprint string, err error) {
	if token == nil && whole == nil {
		return uuid.Nil, "", nil
	}
	if err := callerOf(ctx).may(aggregate.OpReportLeak, false); err != nil {
		return uuid.Nil, "", err
	}
	if token != nil && whole != nil {
		return uuid.Nil, "", badInput("value", "Name the token by token or by value, not by both.")
	}
	if whole == nil {
		id, err = h.tokenID(ctx, "token", fingerprintOf(*token), "")
		return id, "", err
	}
	shown, err := secret.Parse(*whole)
	if err != nil {
		return uuid.Nil, "", badInput("value", "This is no token's value.")
	}
	return uuid.UUID(shown.ID()), shown.Fingerprint(), nil
}

// fingerprintOf turns a SHA-256 in hexadecimal, as scanners print it, into the
// form in which the ledger has it.
func fingerprintOf(text string) string {
	if sum, err := hex.DecodeString(text); err == nil && len(sum) == sha256.Size {
		return base64.StdEncoding.EncodeToString(sum)
	}
	return text
}

// Content implements Report.content.
func (r reports) Content(ctx context.Context, obj *model.Report, form model.ReportForm) (string, error) {
	var out bytes.Buffer
	f := evidence.Form(strings.ToLower(string(form)))
	if f == evidence.OCSF {
		err := evidence.WriteOCSF(ctx, &out, r.views, obj.Table)
		if errors.Is(err, evidence.ErrTooMany) {
			return "", badInput("form", "The report is made of more than %d events; ask for a shorter period, or export an evidence pack, which has all of them.", evidence.MaxOCSF)
		}
		return out.String(), err
	}
	if err := evidence.Render(&out, f, obj.Table); err != nil {
		return "", err
	}
	if f == evidence.PDF {
		return base64.StdEncoding.EncodeToString(out.Bytes()), nil
	}
	return out.String(), nil
}
