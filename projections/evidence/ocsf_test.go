// The events behind a report, for systems that collect events from everywhere.

package evidence_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// ocsf gives the classes and types of the lines that a report is made of.
func (s *tale) ocsf(t *testing.T, name string, r evidence.Request) (lines []string) {
	t.Helper()
	var out bytes.Buffer
	if err := evidence.WriteOCSF(t.Context(), &out, s, s.report(t, name, r)); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var o struct {
			Class    int    `json:"class_uid"`
			Category int    `json:"category_uid"`
			Activity int    `json:"activity_id"`
			Type     int    `json:"type_uid"`
			Message  string `json:"message"`
		}
		if err := json.Unmarshal(line, &o); err != nil || o.Category != o.Class/1000 || o.Type != o.Class*100+o.Activity {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, evidence.Text(int64(o.Class))+" "+o.Message)
	}
	return lines
}

func TestTheEventsBehindAReport(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	s.until(7, 10, 0)
	s.tell(s.fresh, events.TokenSSOAuthorized{Organization: s.org})
	wants(t, s.ocsf(t, "usage", tenDays), "6003 token.source_seen", "6003 token.used", "6003 token.used", "6003 token.use_refused", "6003 token.used")
	wants(t, s.ocsf(t, "revocations", tenDays), "3004 token.revoked", "3004 token.suspended", "3004 token.revoked", "3004 grant.ended")
	wants(t, s.ocsf(t, "changes", tenDays), "3004 membership.ended", "3004 membership.ended")
	wants(t, s.ocsf(t, "reviews", tenDays))
	leaked := tenDays // which does not matter to the life of a token
	leaked.Token = s.fresh
	wants(t, s.ocsf(t, "leak", leaked), "3004 token.created", "3004 token.expiry_changed", "3002 token.sso_authorized")
	access := s.ocsf(t, "access", tenDays)
	if !slices.Contains(access, "3002 token.sso_authorized") || slices.Contains(access, "6003 token.used") {
		t.Errorf("access: %v", access)
	}
	if before := s.ocsf(t, "population", evidence.Request{From: on(0, 0, 0), To: on(2, 0, 0)}); len(before) != 4 {
		t.Errorf("in the first days: %v", before)
	}
}

func TestEventsBehindAReportAreBounded(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	for range evidence.MaxOCSF {
		s.use(s.batch, 0, "listRisks")
	}
	table := s.report(t, "usage", evidence.Request{})
	var out bytes.Buffer
	if err := evidence.WriteOCSF(t.Context(), &out, s, table); !errors.Is(err, evidence.ErrTooMany) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}
