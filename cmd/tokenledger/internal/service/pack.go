// GET /v1/audit/pack: an evidence pack for whoever may export, without access to the database.

package service

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// The headers of a pack that is being sent: how many events it has, and about how
// many bytes.
const (
	PackEventsHeader = "Ledger-Pack-Events"
	PackBytesHeader  = "Ledger-Pack-Bytes"
)

// sealLimit is how long an export waits for an epoch and for the read models.
const sealLimit = 20 * time.Second

// partWithin is how long a client may take to read a part of a pack.
const partWithin = 30 * time.Second

// NewExporter makes packs of the store's log.
func NewExporter(s *Store, sealed *sealer.Reader, trails evidence.Source, generator string) evidence.Exporter {
	return evidence.Exporter{
		Trails: trails, Log: s.Log, Sealed: sealed, Generator: generator,
		Signer: func(origin string) (note.Signer, error) { return s.Ring.Signer(origin) },
		Keys:   func(origin string) ([]string, error) { return verifierKeys(s.Ring, origin) },
	}
}

func verifierKeys(ring *keyring.Ring, origin string) ([]string, error) {
	keys, err := ring.VerifierKeys(origin)
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = k.Text
	}
	return texts, err
}

// pack answers one export.
func (l *ledger) pack(w http.ResponseWriter, r *http.Request) {
	plan, err := l.planPack(r)
	if err != nil {
		l.refusePack(w, r, err)
		return
	}
	sending := &packWriter{ResponseWriter: w, plan: plan}
	switch err := plan.Write(r.Context(), sending); {
	case err == nil:
	case !sending.begun:
		l.refusePack(w, r, err)
	default:
		// Breaking the answer off is the only way to say that it is not whole.
		l.logger.ErrorContext(r.Context(), "an evidence pack could not be written to its end", "error", err)
		panic(http.ErrAbortHandler)
	}
}

// packWriter says what is coming with the first byte of it: until then the answer may still be a refusal.
type packWriter struct {
	http.ResponseWriter
	plan  *evidence.Plan
	begun bool
}

// Write implements io.Writer.
func (w *packWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		h := w.Header()
		h.Set("Content-Type", "application/zip")
		h.Set("Content-Disposition", `attachment; filename="evidence-`+w.plan.Organization.String()+`.zip"`)
		h.Set(PackEventsHeader, strconv.FormatInt(w.plan.Manifest.Events, 10))
		h.Set(PackBytesHeader, strconv.FormatInt(w.plan.Bytes, 10))
	}
	// As long as the client reads, it may take as long as it takes.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(partWithin))
	return w.ResponseWriter.Write(b)
}

func (l *ledger) planPack(r *http.Request) (*evidence.Plan, error) {
	ctx := r.Context()
	order, err := packOrder(r)
	if err != nil {
		return nil, err
	}
	caller := callerOf(ctx)
	if order.Organization == uuid.Nil {
		order.Organization = caller.Organization
	}
	if order.Organization == uuid.Nil || order.Organization != caller.Organization {
		return nil, &aggregate.Refusal{
			Code: aggregate.CodeBadUserInput, Field: "organization",
			Message: "Name the organization in the header X-Organization-ID, and in the argument only the same one.",
		}
	}
	if caller.Kind != "" {
		if err := (uses{l.verifier}).Record(ctx, caller, "exportEvidence", "ledger"); err != nil {
			return nil, err
		}
	}
	standing := aggregate.Standing{Role: caller.Role, Organization: order.Organization}
	if err := aggregate.Authorize(caller.Principal, standing, aggregate.OpExportEvidence); err != nil {
		return nil, err
	}
	if len(order.Disclose) > 0 {
		if err := aggregate.Authorize(caller.Principal, standing, aggregate.OpReadPersonal); err != nil {
			return nil, err
		}
	}
	order.Operator = caller.Actor.Name()
	ctx, cancel := context.WithTimeout(ctx, sealLimit)
	defer cancel()
	plan, err := NewExporter(l.store, l.evidence, l.models.Views, "tokenledger "+Version()).Plan(ctx, order)
	if err != nil {
		return nil, err
	}
	for err = l.models.Views.Wait(ctx, plan.Position()); errors.Is(err, projections.ErrStale) && ctx.Err() == nil; {
		err = l.models.Views.Wait(ctx, plan.Position())
	}
	return plan, err
}

// packOrder reads the arguments of the request.
func packOrder(r *http.Request) (o evidence.Order, err error) {
	q := r.URL.Query()
	bad := func(field, message string) (evidence.Order, error) {
		return o, &aggregate.Refusal{Code: aggregate.CodeBadUserInput, Field: field, Message: message}
	}
	if text := q.Get("organization"); text != "" {
		if o.Organization, err = uuid.Parse(text); err != nil {
			return bad("organization", "organization must be an organization's UUID.")
		}
	}
	if o.From, err = time.Parse(time.RFC3339Nano, q.Get("from")); err != nil {
		return bad("from", "from must be a time as in RFC 3339, such as 2026-01-01T00:00:00Z.")
	}
	if o.To, err = time.Parse(time.RFC3339Nano, q.Get("to")); err != nil {
		return bad("to", "to must be a time as in RFC 3339, such as 2026-07-01T00:00:00Z.")
	}
	if text := q.Get("disclose"); text != "" {
		o.Disclose = strings.Split(text, ",")
	}
	return o, nil
}

// refusePack answers in the shape of a GraphQL error, which every client reads.
func (l *ledger) refusePack(w http.ResponseWriter, r *http.Request, err error) {
	refusal, status := packRefusal(err)
	if refusal.Code == "INTERNAL_SERVER_ERROR" {
		l.logger.ErrorContext(r.Context(), "an evidence pack could not be made", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{
		"message": refusal.Message, "extensions": map[string]any{"code": refusal.Code, "field": refusal.Field},
	}}})
}

func packRefusal(err error) (*aggregate.Refusal, int) {
	var refusal *aggregate.Refusal
	input := func(field string) (*aggregate.Refusal, int) {
		return &aggregate.Refusal{Code: aggregate.CodeBadUserInput, Field: field, Message: err.Error() + "."}, http.StatusBadRequest
	}
	switch {
	case errors.As(err, &refusal):
		status := map[aggregate.Code]int{
			aggregate.CodeBadUserInput: http.StatusBadRequest, aggregate.CodeNotFound: http.StatusNotFound,
			aggregate.CodeUnauthenticated: http.StatusUnauthorized, aggregate.CodeUnavailable: http.StatusServiceUnavailable,
		}[refusal.Code]
		if status == 0 {
			status = http.StatusForbidden
		}
		return refusal, status
	case errors.Is(err, evidence.ErrNotSealedYet), errors.Is(err, evidence.ErrPeriod):
		return input("to")
	case errors.Is(err, evidence.ErrField):
		return input("disclose")
	case errors.Is(err, events.ErrArchived):
		return &aggregate.Refusal{
			Code: aggregate.CodeNotFound, Field: "disclose",
			Message: "Personal values of this time are archived and not at hand; whoever runs the service can give it the archives, or export without them.",
		}, http.StatusNotFound
	case errors.Is(err, evidence.ErrTooEarly), errors.Is(err, sealer.ErrNotHeld):
		return input("organization")
	case errors.Is(err, sealer.ErrOtherLog):
		return &aggregate.Refusal{
			Code: aggregate.CodeConflict, Field: "from",
			Message: "The database was restored within this period; no proof spans that. Export the time before and after it apart.",
		}, http.StatusConflict
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, projections.ErrStale), errors.Is(err, evidence.ErrBehind):
		return &aggregate.Refusal{Code: aggregate.CodeUnavailable, Message: "No epoch was sealed in time, or the read model is behind; try again in a moment."}, http.StatusServiceUnavailable
	}
	return &aggregate.Refusal{Code: "INTERNAL_SERVER_ERROR", Message: "The pack could not be made; the service's log has it."}, http.StatusInternalServerError
}

// Version is the version of this program, as its build says.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
