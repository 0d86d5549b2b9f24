// RFC 7009, and the report of leaked values: whoever holds a value may end its token.

package verifyhttp

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// revoke answers 200 whatever the value was; the token, if there was one, has
// ended by then.
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request) {
	room := buffers.Get().(*buffer)
	defer room.release()
	f, fault := readForm(w, r, room)
	if fault != nil {
		fault.write(w)
		return
	}
	o := h.origin(w, r)
	if err := h.end(r.Context(), f.token, o, "revoke"); err != nil {
		h.unavailable(w, r, err)
	}
}

// end revokes the token that a value belongs to, if there is one and it lives.
func (h *Handler) end(ctx context.Context, value string, o httpd.Origin, via string) error {
	s, code, ok, err := h.Verifier.Whose(ctx, verifier.Query{
		Value: value, Address: o.Address, Agent: o.Agent, RequestID: o.RequestID, Trace: o.Trace, Via: via,
	})
	if err != nil || !ok || slices.Contains(over, code) {
		return err
	}
	return h.Revoke(ctx, s, o.RequestID)
}

// over are the codes of tokens that have ended already.
var over = []verifier.Code{verifier.Revoked, verifier.Deleted, verifier.Expired, verifier.Replaced}

// What a finder of leaked values may report. He has no credential, so that each
// network address has so many reports at once, and then one every so often.
const (
	maxReported = 1000
	maxReport   = 256 << 10
	reportBurst = 30
	reportEvery = 10 * time.Second
	reportLanes = 16 // revocations side by side, which share the log's commits
)

// report takes a list of values and ends what is a token of ours. What was
// found, the answer does not tell.
func (h *Handler) report(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		fail(w, http.StatusMethodNotAllowed, "invalid_request", "This is asked by POST.")
		return
	}
	o := h.origin(w, r)
	if wait := h.reports.Take(o.Address); wait > 0 {
		tooMany(w, wait)
		return
	}
	room := buffers.Get().(*buffer)
	defer room.release()
	if fault := readBody(r, room, maxReport); fault != nil {
		fault.write(w)
		return
	}
	var in struct {
		Credentials []string `json:"credentials"`
	}
	if err := json.Unmarshal(room.b, &in); err != nil {
		fail(w, http.StatusBadRequest, "invalid_request", `Send {"credentials": ["…", …]} as JSON.`)
		return
	}
	if n := len(in.Credentials); n == 0 || n > maxReported {
		fail(w, http.StatusUnprocessableEntity, "invalid_request", "Between 1 and 1000 credentials are possible.")
		return
	}
	slices.Sort(in.Credentials)
	group, ctx := errgroup.WithContext(r.Context())
	group.SetLimit(reportLanes)
	for _, value := range slices.Compact(in.Credentials) {
		group.Go(func() error { return h.end(ctx, value, o, "report") })
	}
	if err := group.Wait(); err != nil {
		h.unavailable(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
